train.nav.system=Система</a></li><li class="nav-item"><a class="nav-link" href="/pipeline"><i class="nav-icon cui-layers"></i>Конвейер
