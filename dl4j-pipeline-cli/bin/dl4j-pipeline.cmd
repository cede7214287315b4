@echo off
rem Runs the command line of dl4j-pipeline from a checkout on Windows. The first run builds it. After a change of sources
rem delete dl4j-pipeline-cli\target\launcher-built. Needs a JDK 17 or newer: JAVA_HOME, or java on the PATH.
rem JAVA_OPTS goes to java. Nobody has tried this file on Windows yet.
setlocal
set "MODULE=%~dp0.."
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
"%JAVA%" -version >nul 2>&1
if errorlevel 1 goto nojava
if exist "%MODULE%\target\launcher-built" goto run

echo dl4j-pipeline: building for the first time; this downloads about 400 MB of libraries ... 1>&2
pushd "%MODULE%\.."
call mvnw.cmd -B -ntp -q -pl dl4j-pipeline-cli -am package -Dmaven.test.skip=true 1>&2
if errorlevel 1 goto nobuild
popd
type nul > "%MODULE%\target\launcher-built"

:run
"%JAVA%" -XX:MaxRAMPercentage=50 %JAVA_OPTS% -cp "%MODULE%\target\classes;%MODULE%\target\lib\*" io.github.dl4jpipeline.cli.Main %*
exit /b %errorlevel%

:nojava
echo dl4j-pipeline: there is no '%JAVA%'; install a JDK 17 or newer, or set JAVA_HOME to one 1>&2
exit /b 1

:nobuild
popd
echo dl4j-pipeline: the build has failed, see above 1>&2
exit /b 1
