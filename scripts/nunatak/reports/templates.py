"""
The jinja2 templates of the pages.

Python text on purpose: the hash of library modules that reruns a rule reads Python files only.
"""

SHELL = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'sha256-{{ script_hash }}'; style-src 'unsafe-inline'; img-src {{ pictures }};
 base-uri 'none'; form-action 'none'">
<meta name="generator" content="nunatak {{ version }}">
<title>{{ title }}{% if simulated %} (simulated){% endif %}</title>
<style>{{ css }}</style>
</head>
<body>
{% if simulated %}<header><div class="banner" role="note">{{ banner }}</div></header>{% endif %}
{% if contents | length > 1 %}<nav class="contents" aria-label="Contents">
<details open><summary>Contents</summary><ol>
{% for address, heading in contents %}<li><a href="#{{ address }}">{{ heading }}</a></li>
{% endfor %}</ol></details></nav>{% endif %}
<main>
{{ inner }}
<footer>Written by nunatak {{ version }}.</footer>
</main>
<script>{{ script }}</script>
</body>
</html>
"""

FRONT = """<p class="kicker">{{ front.study }}</p>
<h1>{{ title }}</h1>
{% for line in front.lead %}<p class="lead">{{ line }}</p>{% endfor %}

<h2>What was asked</h2>
<dl class="asked">{% for label, value in front.asked %}<dt>{{ label }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>

<h2>What was found</h2>
<div class="wide"><table>
<thead><tr><th>product</th><th>release</th><th class="n">found</th><th class="n">not wanted</th>
<th class="n">used</th><th class="n">empty</th>
<th class="n">outside</th><th class="n">failed</th><th class="n">size</th></tr></thead>
<tbody>{% for p in front.products %}<tr><td>{{ p.product | upper }}</td><td>{{ p.version }}</td>
<td class="n">{{ p.found }}</td><td class="n">{{ p.unwanted }}</td>
<td class="n">{{ p.present }}</td><td class="n">{{ p.empty }}</td>
<td class="n">{{ p.outside }}</td>
<td class="n{% if p.failed %} fail{% endif %}">{{ p.failed }}</td><td class="n">{{ p.size }}</td></tr>
{% endfor %}</tbody>
</table></div>
<p class="note">Found: what the archive has. Not wanted: left out by the study's keys before fetching. Used: in the
region and the period, and readable. Empty: the granule holds no data. Outside: none of its data lie in the region and
the period.</p>
{% for p in front.products if p.reasons %}
<details{% if p.failed %} open{% endif %}>
<summary>{{ p.product | upper }}: why granules were not used</summary>
<table><thead><tr><th>granule</th><th>outcome</th><th>reason</th></tr></thead><tbody>
{% for name, status, reason in p.reasons %}<tr><td class="mono">{{ name }}</td>
<td class="{{ 'fail' if status == 'failed' else 'none' }}">{{ status }}</td><td>{{ reason }}</td></tr>{% endfor %}
</tbody></table></details>
{% endfor %}

{% for table in front.tables %}
<h2>{{ table.title }}</h2>
<div class="wide"><table>
<thead><tr>{% for head in table.heads %}<th{% if not loop.first %} class="n"{% endif %}>{{ head }}</th>
{% endfor %}</tr></thead>
<tbody>{% for row in table.rows %}<tr>
{% for cell in row %}<td{% if not loop.first %} class="n"{% endif %}>{{ cell }}</td>{% endfor %}
</tr>{% endfor %}</tbody></table></div>
{% for note in table.notes %}<p class="note">{{ note }}</p>{% endfor %}
{% if table.files %}<p class="note">Numbers: {% for name, href in table.files %}<a href="{{ href }}">{{ name }}</a>
{% endfor %}</p>{% endif %}
{% endfor %}

{% if front.pages %}<h2>Read on</h2>
<ul>{% for name, href, about in front.pages %}<li><a href="{{ href }}">{{ name }}</a>: {{ about }}</li>{% endfor %}</ul>
{% endif %}

{% if front.figures %}<h2>Figures</h2>
{% for f in front.figures %}<figure id="{{ f.name }}"><img src="{{ f.image }}" alt="{{ f.alt or f.title }}">
<figcaption>{{ f.caption }}
{% for kind, href in f.files %} <a href="{{ href }}">{{ kind }}</a>{% endfor %}
{% if f.rests_on %}<span class="rests">Drawn from {% for name, href in f.rests_on %}<a href="{{ href }}">{{ name }}</a>
{%- if not loop.last %}, {% endif %}{% endfor %}.</span>{% endif %}</figcaption></figure>
{% endfor %}{% endif %}

{% if front.not_computed %}<h2>What was not computed</h2>
<table><thead><tr><th>what</th><th>why</th></tr></thead>
<tbody>{% for what, why in front.not_computed %}<tr><td>{{ what }}</td><td>{{ why }}</td></tr>
{% endfor %}</tbody></table>{% endif %}

<h2>Checks</h2>
{% if front.checks %}<p>{{ front.checks | counts }}</p><div class="wide"><table>
<thead><tr><th>check</th><th>outcome</th><th class="n">value</th><th class="n">limit</th><th>what it says</th></tr>
</thead>
<tbody>{% for c in front.checks %}<tr><td class="mono">{{ c.name }}</td>
<td class="{{ {'held': 'pass', 'failed': 'fail'}.get(c.status, 'none') }}">
{{ c.status | upper if c.failed else c.status }}</td>
<td class="n">{% if c.applies %}{{ c.value | short }} {{ c.unit }}{% endif %}</td>
<td class="n">{% if c.applies %}{{ c.limit | short }} {{ c.unit }}{% endif %}</td><td>{{ c.text | minus }}</td>
</tr>{% endfor %}
</tbody></table></div>{% else %}<p>No checks were run.</p>{% endif %}

<h2>Provenance</h2>
<dl class="asked">
{% for label, value in front.provenance %}<dt>{{ label }}</dt><dd class="mono">{{ value }}</dd>{% endfor %}
</dl>
<p><a href="{{ front.provenance_file }}">{{ front.provenance_file }}</a> holds the configuration, the environment and
every granule with its checksum.</p>

<h2>How to cite</h2>
<p>Cite the data sets and methods that this study used:</p>
<ul>{% for line in front.citations %}<li>{{ line | safe }}</li>{% endfor %}</ul>
"""

NOTEBOOK = """
<label class="toggle"><input type="checkbox" id="show-code"> show the code</label>
{{ body | safe }}
"""

GALLERY = """<h1>Studies</h1>
<p>{{ cards | length }} {{ "study" if cards | length == 1 else "studies" }} in this folder of results, the latest first.
<code>make gallery</code> writes this page again.</p>
<ul class="cards">
{% for card in cards %}<li class="card">
{% if card.thumbnail %}<a class="thumb" href="{{ card.href or card.thumbnail }}" tabindex="-1" aria-hidden="true">\
<img src="{{ card.thumbnail }}" alt=""></a>{% else %}<span class="thumb"></span>{% endif %}
<div><h2 id="{{ card.label }}">\
{% if card.href %}<a href="{{ card.href }}">{{ card.title }}</a>{% else %}{{ card.title }}{% endif %}</h2>
{% if card.simulated %}<p class="mark">SIMULATED</p>{% endif %}
<p class="note">{{ card.label }}, {{ card.date }}</p>
{% if card.numbers %}<p>{{ card.numbers }}</p>{% endif %}
<p class="{{ 'fail' if card.failed else 'note' }}">{{ card.state }}</p>
{% if card.granules %}<p class="note">granules: {{ card.granules }}</p>{% endif %}
<p class="only-gone">No longer here: the study was moved or removed after this page was written.</p></div></li>
{% endfor %}</ul>
"""

TEMPLATES = {"shell": SHELL, "front": FRONT, "notebook": NOTEBOOK, "gallery": GALLERY}
