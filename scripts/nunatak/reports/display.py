"""What the cells of a notebook show: sentences, tables, figures from a study's files."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown, display

from nunatak import figures
from nunatak.files import remote
from nunatak.granules import present
from nunatak.reports import words
from nunatak.reports.anatomy import as_html, dissect
from nunatak.reports.pictures import alternative, picture
from nunatak.results import reading
from nunatak.runtime import read_json


def say(*sentences):
    """
    Show sentences as one paragraph.

    They may hold Markdown's emphasis and code. HTML, links and pictures are shown as they are written: a sentence may
    quote a granule, and a granule may hold anything.
    """
    said = " ".join(" ".join(sentence for sentence in sentences if sentence).split())
    display(Markdown(said.replace("<", "&lt;").replace("](", "]&#40;").replace("]:", "]&#58;")))


def table(heads, rows, *, numbers_from=1):
    """Show a table of words, with columns from `numbers_from` on set to the right."""

    def cell(tag, index, text):
        kind = ' class="n"' if index >= numbers_from else ""
        return f"<{tag}{kind}>{escape(str(text))}</{tag}>"

    head = "".join(cell("th", i, text) for i, text in enumerate(heads))
    body = "".join(f"<tr>{''.join(cell('td', i, text) for i, text in enumerate(row))}</tr>" for row in rows)
    display(HTML(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'))


def figure(inputs, name):
    """
    Show a figure of the study with its caption, or say in one line that the study has none.

    Parameters
    ----------
    inputs : the notebook's mapping of names to lists of paths; `figures` are the PNG files
    """
    found = [Path(p) for p in inputs.get("figures", []) if Path(p).stem == name]
    if not found:
        say(f"*This study does not draw `{name}`; `figures: {{names: [..]}}` in its file chooses.*")
        return
    shown = picture(found[0])
    if shown is None:
        say(f"*Not drawn: {read_json(found[0].with_suffix('.json'))['not_drawn']}.*")
        return
    links = "".join(f' <a href="{escape(link)}">{escape(kind)}</a>' for kind, link in shown.files)
    _picture(shown.image, shown.alt, shown.caption, links)


def drawing(make, *, simulated, preset="copernicus", dpi=150):
    """
    Show a figure drawn here and now, with its caption.

    Parameters
    ----------
    make : function of the preset that returns a `figures.Drawn`
    simulated : mark it
    """
    look = figures.preset(preset)
    with figures.use(look):
        drawn = make(look)
        if simulated:
            figures.style.mark_simulated(drawn.figure, look)
        stream = io.BytesIO()
        drawn.figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    image = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    _picture(image, alternative({"title": drawn.title, "numbers": drawn.numbers}), drawn.caption)


def _picture(image, alt, caption, links=""):
    display(
        HTML(
            f'<figure><img alt="{escape(alt)}" src="{image}"><figcaption>{escape(caption)}{links}</figcaption></figure>'
        )
    )


def anatomy(inputs, product=None):
    """Show what one granule of the study holds: of a product, else of the finest grid where there is one."""
    path = first_granule(inputs, product)
    if path is None:
        say(f"*No granule{f' of {product.upper()}' if product else ''} is at hand to look into.*")
        return
    granule = dissect(path)
    about = [f"{key.replace('_', ' ')} {value}" for key, value in sorted(granule.identity.items())]
    say(f"`{granule.file_name}`" + (f" says of itself: {'; '.join(about)}." if about else "."))
    display(HTML(as_html(granule)))


def first_granule(inputs, product=None):
    """
    Return the path of a granule that is here, the first in order of name: of a product, else of ATL15 before others.
    """
    ledgers = reading.ledger_tables(inputs.get("ledgers", []))
    if product is not None:
        ledgers = {name: ledger for name, ledger in ledgers.items() if name == product}
    for product in sorted(ledgers, key=lambda name: (name != "atl15", name)):
        used = present(ledgers[product]).sort_values("granule_id")
        here = [path for path in used["path"].dropna() if not remote.is_address(path)]
        if here:
            return here[0]
    return None


def granules(inputs, *, limit=12, products=None):
    """Show the granules of every product, or of some: file, size, outcome, at most `limit` of each."""
    ledgers = reading.ledger_tables(inputs.get("ledgers", []))
    rows = []
    for product, found in reading.granule_tables(inputs.get("granules", [])).items():
        if products is not None and product not in products:
            continue
        outcome = ledgers[product].set_index("granule_id")
        for granule in found.head(limit).itertuples():
            entry = outcome.loc[granule.granule_id] if granule.granule_id in outcome.index else {}
            size = entry.get("size_bytes")
            said = words.size(int(size)) if pd.notna(size) else ""
            rows.append((product.upper(), granule.file_name, said, entry.get("status", "unknown")))
        if len(found) > limit:
            rows.append((product.upper(), f"… and {len(found) - limit} more", "", ""))
    table(("product", "granule", "size", "outcome"), rows, numbers_from=2)


def references(groups):
    """Show references product by product, as `bibliography.by_product` groups them."""
    for name, found in groups.items():
        title = "Methods" if name == "methods" else name.upper()
        lines = "".join(f"<li>{reference.html()}</li>" for reference in found)
        display(HTML(f"<h3>{escape(title)}</h3><ul>{lines}</ul>"))
