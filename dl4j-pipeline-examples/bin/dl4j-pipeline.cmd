@echo off
rem Starts the command line, which is dl4j-pipeline-cli\bin\dl4j-pipeline.cmd.
call "%~dp0..\..\dl4j-pipeline-cli\bin\dl4j-pipeline.cmd" %*
exit /b %errorlevel%
