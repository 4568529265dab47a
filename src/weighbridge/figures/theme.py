"""Light and dark: the colours of pages, reports and figures, in one place.

Every text colour stands at least 4.5:1 against its background (WCAG AA); a test measures it. `PALETTE` is for areas
that carry white text, on a light page or a dark one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'

PALETTE = ("#2f6db3", "#b3502a", "#2d7d5a", "#7d55b0", "#8a6a12", "#a9447c", "#3b7f8c", "#5d6673")
ON_PALETTE = "#ffffff"


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours. The field names are the names of the CSS variables: ``--wb-page``, ``--wb-text`` …"""

    page: str
    surface: str
    line: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    good: str
    good_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str


LIGHT = Theme(
    page="#ffffff",
    surface="#f5f6f8",
    line="#dadfe5",
    text="#1a1f26",
    muted="#56606c",
    accent="#1f5fa8",
    accent_soft="#e6f0fb",
    good="#1b6e3c",
    good_soft="#e4f4ea",
    warning="#7d5200",
    warning_soft="#fdf1d8",
    danger="#a8201a",
    danger_soft="#fdeae8",
)
DARK = Theme(
    page="#101419",
    surface="#191f26",
    line="#313a45",
    text="#e7eaee",
    muted="#a0aab6",
    accent="#79b8ff",
    accent_soft="#16293d",
    good="#74d297",
    good_soft="#14291d",
    warning="#f0bd62",
    warning_soft="#2e2411",
    danger="#ff938a",
    danger_soft="#361a19",
)


def stylesheet() -> str:
    """The variables of both themes. The system decides, unless ``<html data-theme="light">`` or ``"dark"`` does."""
    dark = _variables(DARK)
    return (
        f":root {{ color-scheme: light dark; --wb-sans: {SANS}; --wb-mono: {MONO};\n{_variables(LIGHT)} }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{\n{dark} }} }}\n'
        f':root[data-theme="dark"] {{ color-scheme: dark;\n{dark} }}\n'
        ':root[data-theme="light"] { color-scheme: light; }\n'
        f"{_FIGURES}"
    )


def _variables(theme: Theme) -> str:
    return "\n".join(f"  --wb-{name.replace('_', '-')}: {colour};" for name, colour in asdict(theme).items())


def template(theme: Theme) -> dict[str, Any]:
    """The theme as a Plotly template: ``layout.template`` of any figure."""
    axis = {
        "gridcolor": theme.line,
        "linecolor": theme.line,
        "zerolinecolor": theme.line,
        "tickcolor": theme.line,
        "automargin": True,
        "title": {"standoff": 8},
    }
    return {
        "layout": {
            "font": {"family": SANS, "size": 13, "color": theme.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(PALETTE),
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "hoverlabel": {
                "bgcolor": theme.surface,
                "bordercolor": theme.line,
                "font": {"family": MONO, "size": 12, "color": theme.text},
            },
            "xaxis": axis,
            "yaxis": axis,
        }
    }


_FIGURES = """\
.wb-figure { margin: 0; min-width: 0; }
.wb-figure .wb-plot { width: 100%; min-height: 8rem; }
.wb-figure .wb-controls { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-bottom: .5rem; }
.wb-figure label { color: var(--wb-muted); }
.wb-figure select, .wb-figure button { font: inherit; color: var(--wb-text); background: var(--wb-page);
  border: 1px solid var(--wb-line); border-radius: 6px; padding: .3rem .6rem; max-width: 100%; }
.wb-figure select { min-width: 0; width: min(36rem, 100%); font-family: var(--wb-mono); font-size: .85rem; }
.wb-figure button { cursor: pointer; }
.wb-figure button[aria-pressed="true"] { border-color: var(--wb-accent); color: var(--wb-accent);
  background: var(--wb-accent-soft); }
.wb-legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0 0; padding: 0; list-style: none;
  color: var(--wb-muted); font-size: .85rem; }
.wb-figure [hidden] { display: none; }
.wb-legend li { overflow-wrap: anywhere; }
.wb-legend svg { width: .8em; height: .8em; margin-right: .4em; }
"""
