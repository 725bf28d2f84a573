import os
import shutil

import pytest
from selenium import webdriver

ARGUMENTS = (
    '--headless=new --no-sandbox --disable-gpu --enable-unsafe-swiftshader --hide-scrollbars --no-first-run '
    '--disable-quic --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage'
)
MISSING = (
    'needs the programs chromium and chromedriver on the PATH (on Debian: apt-get install chromium chromium-driver)'
)


@pytest.fixture(scope='session')
def browser(tmp_path_factory):
    """Chromium with its own clock and network; reports are loaded from files."""
    chromium, driver = shutil.which('chromium'), shutil.which('chromedriver')
    if not chromium or not driver:
        if os.environ.get('CI'):
            pytest.fail(f'{MISSING}, and with CI set no test may be skipped', pytrace=False)
        pytest.skip(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in [*ARGUMENTS.split(), f'--user-data-dir={tmp_path_factory.mktemp("chromium")}']:
        options.add_argument(argument)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()
