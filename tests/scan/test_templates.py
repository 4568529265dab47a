"""Chat templates: escapes however they are spelled, and the templates of real models, which are silent."""

import json
import struct

import pytest

from weighbridge.scan import Status

ESCAPES = [
    "{{ cycler.__init__.__globals__.os.popen('true').read() }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['__cla' + 'ss__'] }}",
    "{{ ''['__ssalc__'[::-1]] }}",
    "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ''|attr(['__', 'class', '__']|join) }}",
    "{{ ''|attr('%sclass%s'|format('__', '__')) }}",
    "{{ ''|attr('%c%cclass' % (95, 95)) }}",
    "{{ ''|attr(x ~ 'class') }}",
    "{{ ''['__CLASS__'|lower] }}",
    "{{ ''['--class--'.replace('-', '_')] }}",
    "{{ '{0.__class__.__mro__}'.format('') }}",
    "{% set f = '{0.__class__}' %}{{ f.format('') }}",
    "{% set a = '__glo' %}{% set b = a ~ 'bals__' %}{{ lipsum[b] }}",
    "{{ self._TemplateReference__context }}",
    "{{ [1]|map(attribute='__class__')|list }}",
    "{{ ['']|map('attr', '__class__')|list }}",
    "{{ (f.gi_frame).f_back }}",
    "{% for c in [].__class__.__base__.__subclasses__() %}{% endfor %}",
    "{% macro m() %}{{ x.__init__ }}{% endmacro %}",
    "{% if messages[0]['content'] == 'x' %}{{ joiner.__init__.__globals__ }}{% endif %}",
    "{% nonsense %}{{ ''.__class__ }}",
]
USUAL = [
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}{% endfor %}",
    "{%- set ns = namespace(found=false) -%}{%- set ns.found = true %}{{ bos_token }}{{ raise_exception('no') }}",
    "{% for m in messages %}{% generation %}{{ m.content | trim + eos_token }}{% endgeneration %}{% endfor %}",
    "{% for t in tools %}{{ t | tojson(indent=4) }}{% if loop.last %}{% break %}{% endif %}{% endfor %}",
    "{{ messages[1:] | selectattr('role', 'equalto', 'user') | list | length }}",
    "{% macro render(x) %}{{ x.type[0] | upper }}{% endmacro %}{{ strftime_now('%d %b %Y') }}",
    "{% set sep = '__' %}{{ '<tool__call>' ~ sep ~ message['tool_' ~ kind] if false }}",
    "{{ content.split('</think>')[-1].lstrip('\n') }}{{ messages[::-1][0].content }}{{ '%s: %s'|format(a, b) }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_an_escape_is_dangerous_however_it_is_spelled(verdict_on, template):
    assert verdict_on(template.encode(), "chat_template.jinja").status is Status.DANGEROUS


@pytest.mark.parametrize("template", USUAL)
def test_usual_templates_are_clean(verdict_on, template):
    verdict = verdict_on(template.encode(), "chat_template.jinja")
    assert verdict.status is Status.CLEAN
    assert {found.rule.id for found in verdict.findings} <= {"template.odd"}


def gguf(template: str, order: str = "<") -> bytes:
    def text(value):
        return struct.pack(order + "Q", len(value)) + value.encode()

    entry = text("tokenizer.chat_template") + struct.pack(order + "I", 8) + text(template)
    return b"GGUF" + struct.pack(order + "IQQ", 3, 0, 1) + entry


@pytest.mark.parametrize("wrap", [
    lambda text: (gguf(text), "model.gguf"),
    lambda text: (gguf(text, ">"), "model.gguf"),
    lambda text: (json.dumps({"chat_template": text}).encode(), "tokenizer_config.json"),
    lambda text: (json.dumps({"chat_template": [{"name": "x", "template": text}]}).encode(), "tokenizer_config.json"),
    lambda text: (json.dumps({"chat_template": text}).replace("t_", "t\\u005f").encode(), "processor_config.json"),
])  # fmt: skip
def test_templates_are_found_where_models_keep_them(verdict_on, wrap):
    assert verdict_on(*wrap(ESCAPES[0])).status is Status.DANGEROUS
    assert verdict_on(*wrap(USUAL[0])).status is Status.CLEAN


def test_a_template_that_does_not_parse_and_says_nothing_odd_is_a_warning(verdict_on):
    verdict = verdict_on(b"{% nonsense %}", "chat_template.jinja")
    assert verdict.status is Status.CLEAN
    assert [found.rule.id for found in verdict.findings] == ["template.unread"]


@pytest.mark.parametrize("template", [
    "{{ " + "(" * 5000 + ")" * 5000 + " }}",
    "{{ " + "'a' ~ " * 20_000 + "'b' }}",
    "{{ " + "x[" * 3000 + "]" * 3000 + " }}",
    "{{ '%999999999d' % 1 }}",
    "{% if x %}" * 3000,
])  # fmt: skip
def test_templates_made_to_be_costly_end(verdict_on, template):
    assert verdict_on(template.encode(), "chat_template.jinja").status in (Status.CLEAN, Status.ERROR)
