import pytest


@pytest.fixture
def pages(tmp_path):
    (tmp_path / 'sub').mkdir()
    (tmp_path / 'search.js').write_text('')
    (tmp_path / 'index.html').write_text(
        '<h1 id="Top">a</h1><script src="search.js"></script><a href="#Top">a</a><a href="#">a</a>'
        '<a href="sub/b%20c.html#B.x">a</a><a href="https://no.where/x#y"><a href="mailto:a@b">a</a>'
    )
    (tmp_path / 'sub/b c.html').write_text('<dd id="B.x">b</dd><a href="../index.html">b</a>')
    return tmp_path


def test_links_that_lead_somewhere(run_tool, pages):
    assert run_tool('check_links', pages) == (0, '', '')


@pytest.mark.parametrize('link', ['#B.y', '../index.html#B.x', '../indx.html', '../index.html#top', 'search.js'])
def test_a_dead_link_is_named(run_tool, pages, link):
    with (pages / 'sub/b c.html').open('a') as page:
        page.write(f'<code><a href="{link}">b</a></code>' * 2)
    assert run_tool('check_links', pages).status == f'error: links that lead nowhere, 1:\nsub/b c.html: {link}'


def test_a_folder_without_pages(run_tool, tmp_path):
    assert run_tool('check_links', tmp_path).status == f'error: {tmp_path} has no HTML pages'
