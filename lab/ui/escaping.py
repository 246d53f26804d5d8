"""Names from data shown as they are: text that Streamlit's Markdown would else read as markup.

Names of categories, images, label sets, runs and people, titles, notes and messages come from files that somebody else
wrote. For HTML there is `html.escape`, for Plotly `lvcnet.figures.layout.plotly_text`; `st.text`, `st.code`, options of a
selectbox and alternative texts are plain anyway.
"""

import re

JOINER = "\u2060"
"""Takes no place and breaks no line. Splits what Streamlit replaces in finished text, where a backslash is no help."""
MARKUP = re.compile(r"[\\`*~$\[\]<&|]|(?<![^\W_])_|_(?![^\W_])")
"""What begins or ends markup within a line; an underscore within a word does not."""
BLOCK = re.compile(r"^( ?)(\d{1,9}(?=[.)]\s)|(?=[#>=]|[-+](?!\d)))")
"""Where a line begins that would be a heading, quotation or list."""
REPLACED = re.compile(r"(?<=:)(?=\S)|(?<=@)(?=\S)|(?<=\bwww)(?=\.)", re.IGNORECASE)
"""Places within `:icon:`, `https://`, mail addresses and `www.`."""
ARROW = re.compile(r"(?<!\S)(<->|->|<-|--|>=|<=|~=)(?!\w)")


def plain(text: object) -> str:
    r"""Text that Markdown shows as it is; lines stay lines.

    >>> print(plain("a*b* $x$ [y] <b>"))
    a\*b\* \$x\$ \[y\] \<b>
    >>> plain("level_1: 0.5"), plain("- a\n2. b")
    ('level_1: 0.5', '\\- a  \n2\\. b')
    """
    return "  \n".join(map(_plain_line, str(text).splitlines()))


def sentence(text: str) -> str:
    """A sentence of `lvcnet.evaluation`, in which only bold is markup.

    >>> print(sentence("**A < B:** by 5 % on [x]"))
    **A \\< B:** by 5 % on \\[x\\]
    """
    return "\n\n".join("**".join(map(plain, part.split("**"))) for part in text.split("\n\n"))


def code(text: object) -> str:
    """Text as code within a line of Markdown.

    >>> print(code("lvcnet runs"), code("a`b"))
    `lvcnet runs` `` a`b ``
    """
    line = " ".join(str(text).splitlines()).replace(
        ":material/", f":{JOINER}material/"
    )  # an icon even in code
    longest = max((len(ticks) for ticks in re.findall("`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"


def _plain_line(line: str) -> str:
    line = re.sub(r"^\s+", " ", line)  # four spaces would make it code
    line = ARROW.sub(lambda arrow: JOINER.join(arrow[0]), REPLACED.sub(JOINER, line))
    return BLOCK.sub(r"\1\2\\", MARKUP.sub(r"\\\g<0>", line))
