"""Sphinx's settings for the site. `make docs` copies the pages together and runs Sphinx: tools/docs_site.py."""

from labkit.core.version import __version__

project = "labkit"
author = "the authors of labkit"
project_copyright = "the authors of labkit, Apache-2.0"
version = release = __version__
language = "en"
root_doc = "index"

extensions = ["myst_nb", "tools.docs_extension"]
exclude_patterns = ["LICENSE"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
suppress_warnings = [
    "myst.header"
]  # the notebooks' headings begin anew after a picture or a question

# The notebooks come with their outputs, and no page needs a script of another server.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True
nb_code_prompt_show = "Show one solution"
nb_code_prompt_hide = "Hide the solution"

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "labkit"
html_static_path = ["static", "../labkit/core/templates/tokens.css"]
html_css_files = ["tokens.css", "site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = (
    False  # it fetches the pages, which browsers refuse to pages opened from a folder
)
html_theme_options = {"navigation_with_keys": True}
