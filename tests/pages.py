"""A report's page and pictures, as a sweep's end makes them."""

import vl_convert

from sweeps.reporting import figures, html, rendering


def page(record):
    return html.report(record, figures.charts(record), vl_convert.javascript_bundle())


def pictures(record):
    with rendering.processes() as processes:
        return {name: picture.result() for name, picture in rendering.images(processes, figures.charts(record)).items()}
