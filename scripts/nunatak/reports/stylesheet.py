"""The look of every page: plain, readable on a screen and on paper. Python, so that a change of it reruns the rules."""

CSS = """
:root { --ink: #1c2530; --soft: #5a6775; --line: #d9dfe6; --ground: #ffffff; --panel: #f5f7f9; --blue: #1f5f99;
        --good: #22724a; --bad: #b3321d; }
* { box-sizing: border-box; }
html { font-size: 16px; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
       font-family: "Source Sans 3", "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.2rem 0 0.3rem; letter-spacing: -0.01em; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 0.7rem; padding-bottom: 0.25rem; border-bottom: 2px solid var(--ink); }
h3 { font-size: 1.02rem; margin: 1.6rem 0 0.4rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
a { color: var(--blue); text-decoration-thickness: 1px; text-underline-offset: 2px; }
code, pre, .mono { font-family: "JetBrains Mono", Consolas, "DejaVu Sans Mono", monospace; font-size: 0.86em; }
.kicker { color: var(--soft); font-size: 0.95rem; margin: 0; }
.banner { background: var(--bad); color: #fff; padding: 0.7rem 1.5rem; font-weight: 600; text-align: center; }
.lead { font-size: 1.12rem; max-width: 50rem; }
.asked { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.2rem; margin: 0.8rem 0; }
.asked dt { color: var(--soft); } .asked dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; margin: 0.6rem 0;
        font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink);
     padding: 0.3rem 0.7rem; }
td { border-bottom: 1px solid var(--line); padding: 0.3rem 0.7rem; vertical-align: top; }
th.n, td.n { text-align: right; white-space: nowrap; }
tr.group td { background: var(--panel); }
.anatomy { font-size: 0.8rem; } .anatomy td, .anatomy th { padding: 0.12rem 0.5rem; }
.pass { color: var(--good); font-weight: 600; white-space: nowrap; } .fail { color: var(--bad); font-weight: 600; }
.none { color: var(--soft); white-space: nowrap; }
.note { color: var(--soft); font-size: 0.9rem; }
figure { margin: 1.6rem 0 2.2rem; }
figure img { width: 100%; height: auto; border: 1px solid var(--line); background: #fff; padding: 0.6rem; }
figcaption { color: var(--soft); font-size: 0.88rem; max-width: 52rem; margin-top: 0.45rem; overflow-wrap: anywhere; }
details { margin: 0.6rem 0; } summary { cursor: pointer; color: var(--blue); }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 0.8rem; color: var(--soft);
         font-size: 0.85rem; }
.contents { max-width: 66rem; margin: 1rem auto 0; padding: 0 1.5rem; font-size: 0.88rem; }
.contents ol { list-style: none; margin: 0.3rem 0; padding: 0; columns: 15rem; }
.contents li { margin: 0; padding: 0.12rem 0; break-inside: avoid; } .contents a { text-decoration: none; }
.contents a:hover, .contents a:focus-visible { text-decoration: underline; }
.contents summary { color: var(--soft); font-weight: 600; }
@media (min-width: 94rem) {
  .contents { position: fixed; top: 3.6rem; left: calc(50vw - 47rem); width: 13.5rem; margin: 0; padding: 0;
              max-height: calc(100vh - 5rem); overflow-y: auto; }
  .contents ol { columns: auto; }
}
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.sort { all: unset; cursor: pointer; } .sort:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.sort:hover { color: var(--ink); text-decoration: underline; }
[aria-sort="ascending"] .sort::after { content: " \\2191"; }
[aria-sort="descending"] .sort::after { content: " \\2193"; }
.enlarge { display: block; width: 100%; padding: 0; border: 0; background: none; cursor: zoom-in; }
.enlarged { width: 96vw; max-width: none; height: 94vh; max-height: none; padding: 0.6rem 1rem; border: 0; }
.enlarged > div { overflow: auto; height: calc(100% - 3.2rem); } .enlarged p { margin: 0 0 0.5rem; max-width: none; }
.enlarged .fitted img { width: 100%; height: 100%; object-fit: contain; }
.enlarged::backdrop { background: rgb(20 28 38 / 0.7); }
.cards { list-style: none; padding: 0; margin: 1.5rem 0; }
.card { display: grid; grid-template-columns: 17rem 1fr; gap: 1.4rem; padding: 1.3rem 0;
        border-top: 1px solid var(--line); }
.card h2 { margin: 0; border: 0; padding: 0; font-size: 1.15rem; } .card p { margin: 0.3rem 0; }
.thumb img { width: 100%; height: 11rem; object-fit: contain; border: 1px solid var(--line); background: #fff; }
.mark { color: var(--bad); font-weight: 600; font-size: 0.85rem; }
.only-gone { display: none; } .gone .only-gone { display: block; color: var(--bad); }
.gone .thumb { visibility: hidden; }
@media (max-width: 45rem) { .card { grid-template-columns: 1fr; } }
.toggle { float: right; font-size: 0.85rem; color: var(--soft); }
.anchor-link { display: none; }
.code_cell > .input { display: none; }
body:has(#show-code:checked) .code_cell > .input { display: block; }
.highlight pre { background: var(--panel); border: 1px solid var(--line); padding: 0.7rem 0.9rem;
                 overflow-x: auto; margin: 0.6rem 0; }
@page { size: A4; margin: 16mm 14mm; }
@media print {
  html { font-size: 10pt; } main { max-width: none; padding: 0; } h1, h2, h3 { break-after: avoid; }
  p { orphans: 3; widows: 3; } p, .lead, figcaption { max-width: none; } thead { display: table-header-group; }
  figure, tr, .card { break-inside: avoid; } figure { margin: 1rem 0; }
  figure img { max-height: 225mm; object-fit: contain; }
  .banner { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  a { color: inherit; } .toggle, .contents, dialog { display: none; } .wide { overflow: visible; }
  table { font-size: 8.5pt; } td, th { padding: 0.18rem 0.4rem; } td { overflow-wrap: anywhere; }
  th.n, td.n { white-space: normal; }
}
"""
