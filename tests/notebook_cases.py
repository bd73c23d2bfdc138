"""Small notebooks for the tests of the tools that read notebooks."""

import nbformat

from tools import normalise_notebooks as tool


def code(source, *, outputs=(), checked=False, count=None, **metadata):
    if checked:
        metadata["tags"] = [tool.CHECKED]
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


def book(*cells):
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    return nbformat.v4.new_notebook(cells=list(cells))


def printed(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def result(**data):
    return nbformat.v4.new_output("execute_result", data=data, execution_count=7)
