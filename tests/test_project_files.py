"""Files for other tools agree with the project."""

from pathlib import Path

import pytest
import yaml

import depth_refine

ROOT = Path(__file__).parents[1]


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_pre_commit_lints_as_ci_does():
    (repo,) = read('.pre-commit-config.yaml')['repos']
    assert f'ruff=={repo["rev"].removeprefix("v")}' in (ROOT / 'requirements/dev.txt').read_text().splitlines()
    assert [hook['id'] for hook in repo['hooks']] == ['ruff-check', 'ruff-format']


def test_public_ci_runs_the_same_file_on_all_supported_versions():
    job = read('.github/workflows/ci.yml')['jobs']['checks']
    assert job['strategy']['matrix']['python'] == ['3.11', '3.12']  # as in tools/setup_env.sh
    assert job['steps'][-1]['run'] == 'bash .ci/run'


@pytest.mark.parametrize('template', sorted((ROOT / '.github/ISSUE_TEMPLATE').iterdir()), ids=lambda path: path.stem)
def test_issue_templates_are_forms(template):
    form = yaml.safe_load(template.read_text())
    assert {'name', 'description', 'body'} <= form.keys()
    assert {part['type'] for part in form['body']} <= {'markdown', 'textarea'}


def test_citation_is_of_the_paper():
    citation = read('CITATION.cff')
    paper = citation['preferred-citation']
    assert paper['title'] in (ROOT / 'model-index.yml').read_text().replace('\n      ', ' ')
    assert [author['family-names'] for author in paper['authors']] == ['Kato', 'Honda', 'Uchida']
    assert (citation['license'], citation['version']) == ('Apache-2.0', depth_refine.__version__)
