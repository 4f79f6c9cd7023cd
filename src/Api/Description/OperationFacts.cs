// What a description tells of an operation beyond its route: more words, headers, and the problems that it can answer.
namespace Purser.Api.Description;

sealed record OperationFacts
{
    public string? Text { get; init; }

    /// <summary>Headers that it takes.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Problems beside those that every operation of its kind can answer.</summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];

    /// <summary>What the lines of its body are, where the body is a stream of them.</summary>
    public string? BodyIsLines { get; init; }

    /// <summary>A file that it may be given, and its content type.</summary>
    public (string Type, string Text)? BodyMayBe { get; init; }

    /// <summary>Further forms of its answer.</summary>
    public IReadOnlyList<string> OtherContentTypes { get; init; } = [];

    /// <summary>Whether it is answered with 204.</summary>
    public bool HasNothingToSay { get; init; }

    /// <summary>The problems of every operation of this kind, and its own.</summary>
    public IEnumerable<Problem> ProblemsOf(bool isGuarded, string path, bool hasBody)
    {
        yield return Api.Problems.Invalid;
        yield return Api.Problems.ForeignOrigin;
        yield return Api.Problems.Internal;
        yield return Api.Problems.Unavailable;
        if (isGuarded) yield return Api.Problems.Unauthorized;
        if (isGuarded) yield return Api.Problems.Forbidden;
        if (path.Contains("{account}", StringComparison.Ordinal)) yield return Api.Problems.UnknownAccount;
        if (path.Contains('{', StringComparison.Ordinal)) yield return Api.Problems.NotFound;
        if (hasBody) yield return Api.Problems.TooLarge;
        if (hasBody) yield return Api.Problems.UnsupportedMediaType;
        foreach (var problem in Problems) yield return problem;
        if (isGuarded) yield return Api.Problems.RateLimited;
    }

    public static OperationFacts Of(string operation) => all.GetValueOrDefault(operation) ?? none;

    static readonly OperationFacts none = new();

    static readonly string[] identity = ["Idempotency-Key"];

    static readonly Problem[] versions = [Api.Problems.VersionMismatch, Api.Problems.Unprocessable, Api.Problems.Conflict];

    static readonly Dictionary<string, OperationFacts> all = new()
    {
        ["check"] = new()
        {
            Text = "Decides as a reservation would, and holds nothing. The answer is 200 whether the call would be allowed or not.",
            Problems = [Api.Problems.Unprocessable],
        },
        ["reserve"] = new()
        {
            Text = "Takes tokens, money and one request out of every limit that matches the call, in one step, until it is settled, "
                + "released "
                + "or runs out. 429 lists every limit that blocks, and what would fit. The same id with the same body is answered as "
                    + "before. With `from` it is paid out of another reservation, one that was lent: what that has left of tokens and "
                    + "money is its bound, every matching limit holds all the same, and what the call does not use returns there.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.ReservationExpired, Api.Problems.Unprocessable,
                Api.Problems.LimitExceeded, Api.Problems.Paused],
        },
        ["extend"] = new()
        {
            Text = "Gives a hold more time (`ttlSeconds`), more amount (an estimate), or both: a heartbeat for long calls.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.ReservationExpired, Api.Problems.Unprocessable,
                Api.Problems.LimitExceeded, Api.Problems.Paused],
        },
        ["settle"] = new()
        {
            Text = "Books the usage, however much it is, and gives the rest of the hold back. With `\"final\": false` it is a part, and "
                + "the "
                + "hold shrinks and stays. With `\"outcome\": \"unknown\"` the larger of estimate and usage is booked. A hold that has "
                    + "run out "
                + "is settled late.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.Unprocessable],
        },
        ["release"] = new()
        {
            Text = "For a call that was not made, or was not charged. Releasing twice is harmless.",
            Problems = [Api.Problems.Conflict],
        },
        ["recordUsage"] = new()
        {
            Text = "Books whatever was used, whether it fits the limits or not. An array is answered item by item, each with the status "
                + "that it would have had alone.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.Unprocessable],
        },
        ["addOverride"] = new()
        {
            Text = "Adds to a limit from `startsAt` (now) to `expiresAt`; several add up. It is kept in the audit trail.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.Unprocessable],
        },
        ["removeOverride"] = new() { Problems = [Api.Problems.Conflict] },
        ["putGateRoutes"] = new()
        {
            Text = "Replaces what was set before, and leaves the built-in routes that it does not name as they are. Upstreams must be "
                + "known to "
                + "the host (`PURSER_GATE_UPSTREAMS`); keys of providers are named by their files and never told.",
            Headers = ["If-Match"],
            Problems = [Api.Problems.VersionMismatch],
        },
        ["getPolicy"] = new() { Headers = ["If-None-Match"] },
        ["getDefaultPolicy"] = new() { Headers = ["If-None-Match"] },
        ["putPolicy"] = new()
        {
            Text = "Replaces the policy as a whole. Usage is kept: limits that stay the same keep their counters, others are counted from "
                + "the records of their current windows. A policy that changes nothing makes no version.",
            Headers = ["If-Match", "If-None-Match"], Problems = versions,
        },
        ["previewPolicy"] = new()
        {
            Text = "Decides the holds of the time and the usage that was booked without one again, one after the other, under the "
                + "policy in "
                + "force and under the one that is sent, and tells what is decided otherwise. What a call used is taken as it was "
                    + "booked; a "
                + "call that is refused uses nothing, and usage without a hold, which is never refused, is looked at as if it had been "
                    + "asked "
                + "for. Overrides count as they did. Calls that were refused at the time left no trace and are not among them. At most "
                + "20,000 holds and as many records are looked at. Nothing is changed.",
            Problems = [Api.Problems.Unprocessable],
        },
        ["putDefaultPolicy"] = new()
        {
            Text = "Its limits hold for every account whose own policy has no limit of the same id. What changes nothing makes no "
                + "version.",
            Headers = ["If-Match", "If-None-Match"], Problems = versions,
        },
        ["pauseAccount"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["resumeAccount"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["closeSession"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["eraseUsage"] = new() { Problems = [Api.Problems.Conflict] },
        ["voidUsage"] = new()
        {
            Text = "A record beside it takes everything off that it counts for, in limits and reports of its own time, from now on. Asked "
                + "again it answers 200 without an `adjustmentId`.",
            Problems = [Api.Problems.Unprocessable],
        },
        ["correctUsage"] = new()
        {
            Text = "The counts, or the provider's report of them, as they really were. A disputed report that was right is settled by a "
                + "correction that changes nothing.",
            Problems = [Api.Problems.Unprocessable, Api.Problems.Conflict, Api.Problems.UnknownAccount],
        },
        ["credit"] = new()
        {
            Text = "Money or tokens that came back. Never more than the usage has left, or than was used in every open window that it "
                + "falls "
                + "into.",
            Headers = identity,
            Problems = [Api.Problems.Mismatch, Api.Problems.Unprocessable],
        },
        ["exportUsage"] = new()
        {
            Text = "Every record that the filters take, as JSON lines, JSON, CSV or FOCUS 1.2 (`format`), at constant memory on both sides.",
            OtherContentTypes = ["application/json", "text/csv"],
            Problems = [Api.Problems.UnknownAccount, Api.Problems.Unprocessable],
        },
        ["listAllUsage"] = new() { Problems = [Api.Problems.UnknownAccount, Api.Problems.Unprocessable] },
        ["listPrices"] = new() { Problems = [Api.Problems.Unprocessable] },
        ["getReservation"] = new() { Text = "What is held, until when, and what became of it." },
        ["getOverride"] = new() { Text = "What it adds to which limit, from when to when, and who asked for it." },
        ["getKey"] = new() { Text = "What the key may do and for which accounts; its text is not known any more." },
        ["listWebhooks"] = new() { Text = "All webhooks that the caller may see." },
        ["runBatch"] = new()
        {
            Text = "The body may be of any length; lines are answered while it is still being read, in their order. Lines of an account "
                + "are "
                + "decided in their order, and what comes together shares a commit. Each line has its own outcome and needs its own right. "
                + "Who does not read answers is not read from: read while you send, or send a thousand lines at a time.",
            BodyIsLines = "An operation in each line: `{\"operation\", \"account\", \"reservation\"?, \"body\"?}`.",
        },
        ["verify"] = new()
        {
            Text = "Where a seal of the audit trails is given, they must go on from where they stood: what was decided before it can not "
                + "have been changed, taken out or written anew since. It must have been signed with the key in PURSER_AUDIT_KEY.",
            BodyMayBe = (Endpoints.OperationEndpoints.SealType, "A seal, as `GET /v1/audit/seal` writes it."),
            Problems = [Api.Problems.Unprocessable],
        },
        ["getAuditSeal"] = new()
        {
            Text = "JSON lines: the first says when, then one for each account with the last link of its audit trail, and the last has the "
                + "SHA-256 of all lines before it and the signature over them with the key in PURSER_AUDIT_KEY. A trail that does not hold "
                + "is not sealed: the answer then breaks off. Kept away from the ledger, `POST /v1/verify` compares the trails with it.",
            Problems = [Api.Problems.Unprocessable],
        },
        ["importUsage"] = new()
        {
            Text = "The body may be of any length, and gzipped: JSON lines, a JSON array, or CSV with a header. What an export wrote is "
                + "booked "
                + "as it was; other records are rated now. 200 says that all of it is in the ledger, 207 that some of it is, with what was "
                + "wrong with the first thousand others, and 422 that none of it is. Records that are about others (voids, credits, "
                + "corrections, adjustments) need the right `erase` too.",
            BodyIsLines = "A usage in each line, with its `account`, `id` and `timestamp`: the form in which exports write it.",
            Problems = [Api.Problems.UnknownAccount, Api.Problems.Unprocessable],
        },
        ["receiveTraces"] = new()
        {
            Text = "OTLP/HTTP: an ExportTraceServiceRequest in protobuf or JSON, packed by gzip or not. Spans that are calls of models and "
                + "carry usage are booked once, under `otlp-`, trace id and span id; of others nothing is kept. The answer says how many "
                + "spans could not be booked, and why.",
            OtherContentTypes = ["application/json"],
            Problems = [Api.Problems.TooLarge, Api.Problems.UnsupportedMediaType],
        },
        ["getReport"] = new()
        {
            Text = "With `format=csv` it is one table: a line for the sum, for each row and for each step.",
            OtherContentTypes = ["text/csv"], Problems = [Api.Problems.Unprocessable, Api.Problems.UnknownAccount],
        },
        ["getProjection"] = new() { Problems = [Api.Problems.Unprocessable] },
        ["quote"] = new()
        {
            Problems = [Api.Problems.UnknownModel, Api.Problems.NoPrice, Api.Problems.Unprocessable, Api.Problems.UnknownAccount],
        },
        ["compareQuotes"] = new()
        {
            Problems = [Api.Problems.UnknownModel, Api.Problems.NoPrice, Api.Problems.Unprocessable, Api.Problems.UnknownAccount],
        },
        ["putPrice"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["deletePrice"] = new() { HasNothingToSay = true, Problems = [Api.Problems.Conflict] },
        ["putCatalogue"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["deleteCatalogue"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.NotFound] },
        ["convert"] = new() { Problems = [Api.Problems.Unprocessable] },
        ["putExchangeRates"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["reprice"] = new() { Problems = [Api.Problems.UnknownAccount, Api.Problems.Unprocessable] },
        ["streamEvents"] = new()
        {
            Text = "Server-sent events whose data are CloudEvents 1.0. The stream begins with the `id` of its position, without an event. "
                + "Who comes back with the last id misses nothing.",
            Headers = ["Last-Event-ID"], Problems = [Api.Problems.Gone],
        },
        ["createWebhook"] = new()
        {
            Headers = identity, Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.Unprocessable],
        },
        ["putWebhook"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["rotateWebhookSecret"] = new() { Problems = [Api.Problems.Conflict] },
        ["testWebhook"] = new() { Problems = [Api.Problems.Conflict] },
        ["replayDelivery"] = new() { Problems = [Api.Problems.Conflict] },
        ["acknowledgeAlert"] = new()
        {
            Text = "Nothing more is told of it until `until`, or its end, unless it becomes worse.", Problems = [Api.Problems.Conflict],
        },
        ["putAlertRules"] = new() { Text = "Replaces all rules. Alerts that are open stay so until what they are about is over." },
        ["createAlertChannel"] = new() { Headers = identity, Problems = [Api.Problems.Mismatch, Api.Problems.Unprocessable] },
        ["putAlertChannel"] = new() { Problems = [Api.Problems.Unprocessable] },
        ["putTenant"] = new()
        {
            Text = "An account belongs to the tenant one of whose patterns its id fits, and no account may fit patterns of two: that is "
                + "409. "
                + "Names that fit an account, or that a key, webhook or alert channel of the tenant is for, are not given up: 409. Its "
                + "policy lies over the default policy and under the accounts' own.",
            Headers = ["If-Match", "If-None-Match"], Problems = versions,
        },
        ["deleteTenant"] = new()
        {
            Text = "Only where it has no accounts, no key that is not revoked, no webhook and no alert channel: else 409.",
            Headers = ["If-Match"], Problems = [Api.Problems.VersionMismatch, Api.Problems.Conflict],
        },
        ["createKey"] = new()
        {
            Text = "Asked for again with the same `Idempotency-Key` it makes no second key: 409 names the one that was made. Its text is told "
                + "once; where it was lost, rotate the key for another.",
            Headers = identity, Problems = [Api.Problems.Mismatch, Api.Problems.Conflict, Api.Problems.Unprocessable],
        },
        ["rotateKey"] = new() { Problems = [Api.Problems.Conflict, Api.Problems.Unprocessable] },
        ["revokeKey"] = new() { Problems = [Api.Problems.Conflict] },
        ["acceptClock"] = new() { Problems = [Api.Problems.Conflict] },
    };
}
