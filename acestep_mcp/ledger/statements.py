# ruff: noqa: S608  # put together from the column names and fragments of this module alone
"""Every statement of the ledger, as it is sent to either engine.

None reads more rows than it needs, however many songs there are: each has an index that hands it
the rows in the order it wants them, and a test holds both engines to that. A partial index
serves a statement only where its condition stands in it word for word.
"""

from collections.abc import Collection

from acestep_mcp.domain.song import ENDED, STATES, SUBMITTING, State
from acestep_mcp.domain.song import RUNNING as RUNNING_STATES
from acestep_mcp.ledger.rows import FIELDS


def _among(states: Collection[State]) -> str:
    """A condition that a partial index can be recognized by: the states in their one order."""
    return f"state in ({', '.join(repr(each) for each in STATES if each in states)})"


UNFINISHED = _among(SUBMITTING | RUNNING_STATES)
UNSAVED = "state = 'COMPLETED' and saving = 'wanted'"
RUNNING = _among(RUNNING_STATES)
ENDED_UNHEARD = f"({_among(ENDED)} and delivered = 0)"
DELIVERED = "(state = 'COMPLETED' and delivered = 1)"
MADE = "(state = 'COMPLETED' and exact <> '')"
ORDERED = "fingerprint <> ''"
UNINDEXED = "found_by = '' and state <> 'intent'"
# A lease far further ahead than its own length was written by a clock that ran ahead, and is none.
# Once its length is allowed for: other machines' clocks differ, and this one's is set a little.
LIVING = "until > :now and until <= :now + 2 * seconds"

_FIELDS = ", ".join(FIELDS)
_ROW = f"select {_FIELDS}, found_by from song"
_SONG = f"select {_FIELDS} from song"

# One song.
INSERT = (
    f"insert into song ({_FIELDS}, found_by, words) "
    f"values ({', '.join(':' + name for name in FIELDS)}, :found_by, '')"
)
UPDATE = (
    f"update song set {', '.join(f'{name} = :{name}' for name in FIELDS)}, found_by = :found_by "
    "where id = :id and owner = :owner and version = :version - 1"
)
DELETE = "delete from song where id = :id and owner = :owner and version = :version"
BY_ID = f"{_ROW} where id = :id and owner = :owner"
BY_HANDLE = f"""
    {_ROW} where owner = :owner and request_id = :handle
    union all
    {_ROW} where id = :handle and owner = :owner
    limit 1
"""
ADOPTED_TWIN = f"""
    {_ROW} where owner = :owner and request_id = :request_id and id <> :id and fingerprint = ''
"""
NAMESAKE = f"""
    select id from song where request_id = :request_id and id <> :id and {ORDERED} limit 1
"""

# A request, and the songs that answer it: one that runs or whose end nobody heard; one of which
# nobody knows since `fresh` what became of it; one whose music was delivered since then; and one
# that was made, at whatever time, of exactly what would be sent.
SAME = f"""
    select * from (
        {_SONG} where owner = :owner and fingerprint = :fingerprint
        and ({UNFINISHED} or {ENDED_UNHEARD})
        order by created_at desc limit 1
    ) as answer
    union all
    select * from (
        {_SONG} where owner = :owner and fingerprint = :fingerprint
        and state = 'UNKNOWN' and updated_at > :fresh
        order by updated_at desc limit 1
    ) as in_doubt
    union all
    select * from (
        {_SONG} where owner = :owner and fingerprint = :fingerprint
        and {DELIVERED} and delivered_at > :fresh
        order by delivered_at desc limit 1
    ) as heard
    union all
    select * from (
        {_SONG} where owner = :owner and exact = :exact and {MADE}
        order by created_at desc limit 1
    ) as made
    order by created_at desc limit 1
"""
USED = """
    select coalesce(sum(tracks), 0) as used from (
        select tracks from bought
        where owner = :owner and span = :long and at > :long_at and at <= :long_end
        union all
        select tracks from bought
        where owner = :owner and span = :short and at > :short_at and at <= :short_end
        union all
        select tracks * charged from song
        where owner = :owner and created_at > :since and created_at < :edge
    ) as part
"""

# Lists.
COUNTS = """
    select state, sum(songs) as songs, sum(tracks) as tracks from tally
    where owner = :owner group by state
"""


def _newest(columns: str) -> tuple[str, str]:
    """The owner's songs after a position, newest first: all, and those of one or two states.

    An `intent` is in no list: nothing was sent, so there is no song yet.
    """
    after = "(created_at, id) < (:before, :id) order by created_at desc, id desc limit :limit"
    of_state = f"select {columns} from song where owner = :owner and state = %s and {after}"
    return (
        f"select {columns} from song where owner = :owner and state <> 'intent' and {after}",
        f"""
        select * from ({of_state % ":state"}) as one
        union all
        select * from ({of_state % ":other"}) as two
        order by created_at desc, id desc limit :limit
        """,
    )


PAGE, PAGE_OF_STATE = _newest(_FIELDS)
WALK, WALK_OF_STATE = _newest("id, created_at, found_by")
TIMES = """
    select took from song where owner = :owner and model = :model and tracks = :tracks
    and took is not null order by created_at desc limit 20
"""

# Search. A statement with many places has all of them filled, if need be with the last value.
PLACES = 50
WORDS = f"""
    insert into word (owner, word, created_at, song)
    values {", ".join(f"(:owner, :word_{at}, :created_at, :song)" for at in range(PLACES))}
    on conflict do nothing
"""
NOT_WORDS = f"""
    delete from word where owner = :owner and created_at = :created_at and song = :song
    and word in ({", ".join(f":word_{at}" for at in range(PLACES))})
"""
# From one word to the next, without reading the rows of either.
VOCABULARY = """
    with recursive entry (word) as (
        select min(word) from word where owner = :owner and word >= :first and word < :last
        union all
        select (
            select min(word) from word
            where owner = :owner and word > entry.word and word < :last
        ) from entry where entry.word is not null
    )
    select word from entry where word is not null limit :limit
"""
# Asked for in order, so that nobody takes reading the whole table for the shorter way.
FREQUENCY = """
    select count(*) as songs from (
        select 1 from word where owner = :owner and word >= :first and word < :last
        order by word limit :limit
    ) as counted
"""
HAVING_WORD = """
    select created_at, song as id from word
    where owner = :owner and word = :word and (created_at, song) < (:before, :id)
    order by created_at desc, song desc limit :limit
"""


def _wanted(columns: tuple[str, ...]) -> str:
    """Several of the owner's songs, each looked up by its place in the list.

    Neighbours in time lie side by side on the disk and ids do not, so `|| ''` and `cross join`
    keep both engines from the index of the ids and from going through all songs instead.
    """
    places = ", ".join(f"(:at_{at}, :id_{at})" for at in range(PLACES))
    return f"""
        with wanted (created_at, id) as (values {places})
        select {", ".join(f"song.{name}" for name in columns)} from wanted cross join song
        where song.owner = :owner and song.created_at = wanted.created_at
        and song.id || '' = wanted.id
    """


DOCUMENTS = _wanted(("id", "state", "found_by"))
SEVERAL = _wanted(FIELDS)
NEXT_UNINDEXED = f"{_ROW} where {UNINDEXED} order by owner desc, created_at desc limit :limit"
NEXT_UNINDEXED_OF_OWNER = f"""
    {_ROW} where owner = :owner and {UNINDEXED} order by created_at desc limit :limit
"""
INDEXED = "update song set found_by = :found_by, words = '' where id = :id and found_by = ''"

# Workers and what they leave behind.
RUNNING_OF_WORKER = f"select id, version from song where {RUNNING} and worker = :worker"
BEAT = """
    insert into worker (id, until, seconds) values (:id, :until, :seconds)
    on conflict (id) do update set until = excluded.until, seconds = excluded.seconds
"""
RETIRE = "delete from worker where id = :id"
ALIVE = f"select id from worker where {LIVING}"
EXPIRY = f"select until from worker where {LIVING} and id <> :id order by until limit 1"
LONG_DEAD = """
    select id from (
        select id from worker where until < :past order by until limit :limit
    ) as over
    union all
    select id from (
        select id from worker where until > :future order by until desc limit :limit
    ) as never
"""


def _bereaved(of: str) -> str:
    """Dead workers and the owners whose songs they had, both without reading the songs between."""
    return f"""
        with recursive holder (worker) as (
            select min(worker) from song where {of}
            union all
            select (select min(worker) from song where {of} and worker > holder.worker)
            from holder where holder.worker is not null
        ),
        pair (worker, owner) as (
            select holder.worker,
                (select min(owner) from song where {of} and worker = holder.worker)
            from holder where holder.worker is not null
            and holder.worker not in (select id from worker where {LIVING})
            union all
            select pair.worker, (
                select min(owner) from song
                where {of} and worker = pair.worker and owner > pair.owner
            ) from pair where pair.owner is not null
        )
        select worker, owner from pair where owner is not null
    """


def _left(of: str) -> str:
    # `between` keeps an engine that has counted how many songs an owner has from the wrong index.
    return f"""
        {_ROW} where {of} and worker = :worker and owner between :owner and :owner
        order by owner limit :limit
    """


BEREAVED, BEREAVED_UNSAVED = _bereaved(UNFINISHED), _bereaved(UNSAVED)
LEFT, LEFT_UNSAVED = _left(UNFINISHED), _left(UNSAVED)
