"""The page and the figures of a report, made as at the end of a sweep."""

import vl_convert

from sweeps.reporting import figures, html, rendering


def page(record):
    return html.report(record, figures.charts(record), vl_convert.javascript_bundle())


def pictures(record):
    with rendering.processes() as processes:
        return {name: picture.result() for name, picture in rendering.images(processes, figures.charts(record)).items()}
