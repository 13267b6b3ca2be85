"""What a refusal says: one line that names the cause and the next step."""

from acestep_mcp.domain import errors
from acestep_mcp.domain.catalogue import ProviderInfo
from acestep_mcp.domain.text import clean

LONGEST_ERROR = 300
_SET = "a file, or env in this server's entry of the client's configuration"


def sentence(error: errors.Refusal) -> str:  # noqa: C901, PLR0912, PLR0915  # one case a kind
    """What a refusal says, in one line of at most 300 characters."""
    match error:
        case errors.BadInput(argument, problem):
            text = f"{argument}: {_ended(problem)} Nothing was sent."
        case errors.Stopped(message, may_force):
            force = " To send it all the same, repeat with force=true." if may_force else ""
            text = f"{_ended(message)} Nothing was sent.{force}"
        case errors.NotConfirmed():
            text = (
                "The user was asked and did not confirm, so nothing was sent and nothing is "
                "charged. Do not call again unless they ask for it."
            )
        case errors.KeyMissing(looked, page=page) if _by_caller(*looked):
            text = f"No subscription key. Get one at {page} and send it in {looked[0]}."
        case errors.KeyMissing(looked, problem, page) if problem:
            names = ", ".join(place.partition(" (")[0] for place in looked)
            text = (
                f"No usable key: {clean(problem, 140)}. Looked at: {names}. "
                f"Mend it, or get a key at {page}, then restart this server."
            )
        case errors.KeyMissing(looked, page=page):
            text = (
                f"No subscription key. Get one at {page} and set {looked[0]} (or write it "
                f"to {looked[-1]}), then restart this server. Looked at: {', '.join(looked)}."
            )
        case errors.KeyRefused(cause, source, free=True):
            text = (
                f"Your own server refused the key from {source} ({cause}). Set ACESTEP_SERVER_KEY "
                "to the one it was started with, then restart this server."
            )
        case errors.KeyRefused(cause, source, page):
            where = "send it there" if _by_caller(source) else f"set it there ({_SET}), restart"
            text = (
                f"The gateway refused the key from {source} ({cause}); nothing was charged, and "
                f"repeating the call is of no use. Get a valid key at {page} and {where}."
            )
        case errors.FolderUnusable(trouble):
            text = (
                f"{_ended(trouble)} Nothing was sent: a song that cannot be saved is not ordered."
            )
        case errors.BalanceTooLow(said, page):
            text = (
                f"Insufficient balance; nothing was charged.{quoted(said)} "
                f"Top up at {page}, then call again."
            )
        case errors.LimitReached(limit, used, asked):
            text = (
                f"Daily limit: {used} of {limit} tracks were submitted in the last 24 hours and "
                f"this asks for {asked}. Nothing was sent. Wait, or raise ACESTEP_DAILY_LIMIT."
            )
        case errors.Rejected(cause, said, free=True):
            why = clean(said, 180) or cause
            text = f"Your own server did not take the request: {_ended(why)} Nothing was made."
        case errors.Rejected(cause, said):
            text = (
                f"The gateway refused the request ({cause}); nothing was charged."
                f"{quoted(said)} Change what it names and call again."
            )
        case errors.RateLimited(cause, retry_after):
            pause = f" for {retry_after:.0f} s" if retry_after else " a few seconds"
            who = "Your own server" if error.free else "The gateway"
            text = f"{who} is busy ({cause}); nothing was accepted. Wait{pause}, call again."
        case errors.CouldNotSend(cause, free=True):
            text = f"The request was not sent: {_ended(cause)} It is safe to call again."
        case errors.CouldNotSend(cause):
            again = "Nothing was charged; safe to call again."
            text = f"The request was not sent: {_ended(cause)} {again}"
        case errors.NotFound(request_id):
            text = (
                f"No song has request_id '{clean(request_id, 60)}'. Call list_outputs to see "
                "every song and its request_id."
            )
        case errors.NotAsked(request_id, cause):
            who = "Your own server" if error.free else "The gateway"
            text = (
                f"{who} could not be asked about '{clean(request_id, 60)}': {cause}. "
                "Nothing was changed; call get_status again in a minute."
            )
        case errors.LedgerDown(cause) if cause.startswith("ACESTEP_DATA_DIR"):
            text = (
                f"There is no ledger: {cause}. Nothing was sent, because a song is written down "
                "before it is ordered. Set ACESTEP_DATA_DIR, then restart this server."
            )
        case errors.LedgerDown(cause, place=place):
            text = (
                f"The ledger cannot be used ({clean(cause, 80)}){place and f': {place}'}. "
                "Nothing was sent: a song is written down before it is ordered. Mend that, or set "
                "ACESTEP_DATA_DIR, then call again."
            )
        case _:
            text = "The call was refused. Nothing was sent."
    return clean(text, LONGEST_ERROR)


def _by_caller(*places: str) -> bool:
    """Whether a key was looked for in what the caller sends, and nowhere else."""
    return bool(places) and all(place.startswith("your ") for place in places)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def quoted(said: str, maker: ProviderInfo | None = None) -> str:
    """A provider's text, marked as such and introduced; `""` where it said nothing."""
    marked = clean(said, 120).replace("“", "'").replace("”", "'")
    who = maker.title.capitalize() if maker else "The gateway"
    return f" {who} says: “{marked}”." if marked else ""
