// What goes wrong and how it is told: one table from outcomes to HTTP, and problem details (RFC 9457) for everything else.
using System.Text.Json;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Core;

namespace Purser.Api;

/// <summary>One kind of problem. The type of its documents is `urn:purser:problem:` and the slug.</summary>
public sealed record Problem(int Status, string Slug, string Title)
{
    public string Type { get; } = $"urn:purser:problem:{Slug}";

    /// <summary>The header that leads to its page.</summary>
    public string Link { get; } = $"</docs/problems/{Slug}>; rel=\"help\"";
}

/// <summary>A problem and its document, which is one of the two.</summary>
sealed record ToldProblem(Problem Problem, ProblemDocument? Plain, RefusalDocument? Refusal)
{
    public void Write(Utf8JsonWriter json)
    {
        if (Plain is not null) JsonSerializer.Serialize(json, Plain, ApiJson.Default.ProblemDocument);
        else JsonSerializer.Serialize(json, Refusal!, ApiJson.Default.RefusalDocument);
    }
}

public static class Problems
{
    public const string ContentType = "application/problem+json";

    public static readonly Problem Unavailable = new(503, "unavailable", "Not available at the moment; try again with the same id");
    public static readonly Problem UnknownAccount = new(404, "unknown-account", "There is no such account");
    public static readonly Problem Invalid = new(400, "invalid", "The request is not valid");
    public static readonly Problem Mismatch = new(409, "idempotency-mismatch", "The id was used with another body");
    public static readonly Problem NotFound = new(404, "not-found", "Not found");
    public static readonly Problem Conflict = new(409, "conflict", "The state does not allow this");
    public static readonly Problem Gone = new(410, "gone", "It is not there any more");
    public static readonly Problem ReservationExpired = new(409, "reservation-expired", "The reservation has run out: nothing is held");
    public static readonly Problem VersionMismatch = new(412, "version-mismatch", "The version is another one");
    public static readonly Problem Unprocessable = new(422, "unprocessable", "The request can not be decided");
    public static readonly Problem UnknownModel = new(422, "unknown-model", "There is no price for this model");
    public static readonly Problem NoPrice = new(422, "no-price", "The price does not cover this usage");
    public static readonly Problem Paused = new(429, "paused", "The account is paused");
    public static readonly Problem LimitExceeded = new(429, "limit-exceeded", "A limit does not allow this call");
    public static readonly Problem RateLimited = new(429, "rate-limited", "The key sends too many requests");
    public static readonly Problem Unauthorized = new(401, "unauthorized", "A key is needed");
    public static readonly Problem ForeignOrigin = new(403, "foreign-origin", "The request comes from elsewhere");
    public static readonly Problem Forbidden = new(403, "forbidden", "The key does not have this right");
    public static readonly Problem MethodNotAllowed = new(405, "method-not-allowed", "The method is not allowed here");
    public static readonly Problem TooLarge = new(413, "too-large", "The body is too large");
    public static readonly Problem UnsupportedMediaType = new(415, "unsupported-media-type", "The content type is not supported");
    public static readonly Problem Internal = new(500, "internal", "An error inside the service");

    /// <summary>Each has a section in docs/problems.md.</summary>
    public static IReadOnlyList<Problem> All { get; } =
    [
        Unavailable, UnknownAccount, Invalid, Mismatch, NotFound, Conflict,
        Gone, ReservationExpired, VersionMismatch, Unprocessable, UnknownModel, NoPrice,
        Paused, LimitExceeded, RateLimited, Unauthorized, ForeignOrigin, Forbidden, MethodNotAllowed,
        TooLarge, UnsupportedMediaType, Internal,
    ];

    public static Problem Of(OutcomeStatus status) => status switch
    {
        OutcomeStatus.Unavailable or OutcomeStatus.Moved => Unavailable,
        OutcomeStatus.UnknownAccount => UnknownAccount,
        OutcomeStatus.Invalid => Invalid,
        OutcomeStatus.IdempotencyMismatch => Mismatch,
        OutcomeStatus.NotFound => NotFound,
        OutcomeStatus.Conflict => Conflict,
        OutcomeStatus.VersionMismatch => VersionMismatch,
        OutcomeStatus.Unprocessable => Unprocessable,
        OutcomeStatus.Paused => Paused,
        OutcomeStatus.Refused => LimitExceeded,
        _ => Internal,
    };

    public static Problem Of(QuoteProblem problem) => problem switch
    {
        QuoteProblem.UnknownModel => UnknownModel,
        QuoteProblem.NoPrice => NoPrice,
        _ => Invalid,
    };

    /// <summary>The problem of an HTTP status that the server answers by itself.</summary>
    public static Problem OfStatus(int status) => status switch
    {
        401 => Unauthorized,
        403 => Forbidden,
        404 => NotFound,
        405 => MethodNotAllowed,
        413 => TooLarge,
        415 => UnsupportedMediaType,
        503 => Unavailable,
        >= 500 => Internal,
        _ => Invalid with { Status = status },
    };

    public static ProblemDocument Document(Problem problem, string? field = null, string? detail = null,
        IReadOnlyList<Outcome>? all = null) => new()
    {
        Type = problem.Type,
        Title = problem.Title,
        Status = problem.Status,
        Detail = field is null || detail is null ? detail : $"{Shown(field)}: {detail}",
        Field = field is null ? null : Shown(field),
        Errors = all is not { Count: > 0 } ? null
            : [.. all.Where(wrong => wrong.Field is not null)
                .Select(wrong => new WrongMemberDocument(Shown(wrong.Field!), wrong.Detail ?? ""))],
    };

    public static ProblemDocument Document(Outcome outcome) =>
        // A refusal's detail names its limits by itself.
        Document(Of(outcome.Status), outcome.Field, outcome.Detail ?? Of(outcome.Status).Title);

    public static Task WriteAsync(HttpContext http, Problem problem, string? field = null, string? detail = null,
        IReadOnlyList<Outcome>? all = null)
    {
        if (problem == Unavailable) http.Response.Headers.RetryAfter = "1";
        RequestLog.Note(http, problem.Slug, detail);
        Help(http, problem);
        return Reply.JsonAsync(http, problem.Status, Document(problem, field, detail, all), ApiJson.Default.ProblemDocument, ContentType);
    }

    /// <summary>A request for which there is no place.</summary>
    internal static Task WriteAsync(HttpContext http, Busy busy)
    {
        http.Response.Headers.RetryAfter = "1";
        RequestLog.Note(http, Unavailable.Slug, busy.Detail);
        Help(http, Unavailable);
        http.Response.StatusCode = Unavailable.Status;
        http.Response.ContentType = ContentType;
        http.Response.ContentLength = busy.Answer.Length;
        return http.Response.Body.WriteAsync(busy.Answer).AsTask();
    }

    /// <summary>A key that asks too often. Where 429 is a refusal it has the form of one, in which no limit blocks.</summary>
    internal static Task WriteTooOftenAsync(HttpContext http, string key, int seconds)
    {
        var wait = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        http.Response.Headers.RetryAfter = wait;
        var detail =
            $"the key '{key}' has used up what it may send; send it again after {wait} s. `RateLimit-Policy` says how much that is";
        if (http.GetEndpoint()?.Metadata.OfType<AnswerNote>().Any(answer => answer.Status == RateLimited.Status) != true)
            return WriteAsync(http, RateLimited, null, detail);
        RequestLog.Note(http, RateLimited.Slug, detail);
        Help(http, RateLimited);
        return Reply.JsonAsync(http, RateLimited.Status, new RefusalDocument(Document(RateLimited, null, detail),
            new(false, null, [], [], [], [])), ApiJson.Default.RefusalDocument, ContentType);
    }

    /// <summary>The problem of an outcome that is not <see cref="OutcomeStatus.Done"/>, and its document: a plain one, or a
    /// refusal.</summary>
    internal static ToldProblem Told(Outcome outcome)
    {
        if (outcome.Answer is ReservationView view)
        {
            var expired = Document(ReservationExpired, outcome.Field, outcome.Detail);
            expired.Reservation = new(view);
            return new(ReservationExpired, expired, null);
        }
        return outcome.Answer is Decision decision ? new(Of(outcome.Status), null, new(Document(outcome), decision))
            : new(Of(outcome.Status), Document(Of(outcome.Status), outcome.Field, outcome.Detail), null);
    }

    /// <summary>Writes an outcome that is not <see cref="OutcomeStatus.Done"/>.</summary>
    public static Task WriteAsync(HttpContext http, Outcome outcome)
    {
        var told = Told(outcome);
        if (told.Refusal is not { } refusal)
        {
            if (told.Problem == Unavailable) http.Response.Headers.RetryAfter = "1";
            RequestLog.Note(http, told.Problem.Slug, outcome.Detail);
            Help(http, told.Problem);
            return Reply.JsonAsync(http, told.Problem.Status, told.Plain!, ApiJson.Default.ProblemDocument, ContentType);
        }
        var decision = (Decision)outcome.Answer!;
        if (outcome.Status == OutcomeStatus.Refused && decision.BlockedBy.Count > 0
            && decision.BlockedBy.All(blocker => blocker.RetryAfterSeconds is not null))
            http.Response.Headers.RetryAfter = decision.BlockedBy.Max(blocker => blocker.RetryAfterSeconds!.Value)
                .ToString(System.Globalization.CultureInfo.InvariantCulture);
        RequestLog.Note(http, told.Problem.Slug, outcome.Detail);
        Help(http, told.Problem);
        return Reply.JsonAsync(http, told.Problem.Status, refusal, ApiJson.Default.RefusalDocument, ContentType);
    }

    /// <summary>Where the problem is explained.</summary>
    static void Help(HttpContext http, Problem problem) => http.Response.Headers.Link = problem.Link;

    /// <summary>What was wrong with a JSON body, in the words of its sender.</summary>
    public static Outcome Of(JsonException wrong, string at = "")
    {
        if (wrong.InnerException is JsonException malformed)
            return new(OutcomeStatus.Invalid, null, null,
                $"the body is not valid JSON: {Bare(malformed.Message)}, at line {malformed.LineNumber + 1}, byte "
                    + $"{malformed.BytePositionInLine + 1}");
        var field = FieldOf(wrong.Path, at);
        return new(OutcomeStatus.Invalid, null, field, wrong switch
        {
            BadValueException => wrong.Message,
            { InnerException: InvalidOperationException } => "is not valid Unicode",
            _ when wrong.Message.StartsWith("The JSON property", StringComparison.Ordinal) => "is not a member that is known here",
            _ when wrong.Message.StartsWith("Duplicate", StringComparison.Ordinal) => "is given twice",
            _ when field is null => "the body must be a JSON object",
            _ => "has the wrong JSON type",
        });
    }

    static string Bare(string message)
    {
        var end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        if (end < 0) end = message.IndexOf(" LineNumber: ", StringComparison.Ordinal);
        return (end < 0 ? message : message[..end]).TrimEnd('.', ' ');
    }

    /// <summary>`$.limits[0].amount` is `limits[0].amount`; members with other characters stand in brackets and quotes.</summary>
    static string? FieldOf(string? path, string at)
    {
        var field = (path ?? "$").TrimStart('$').Replace("['", ".", StringComparison.Ordinal).Replace("']", "", StringComparison.Ordinal);
        field = (at + field).TrimStart('.');
        return field.Length == 0 ? null : field;
    }

    static string Shown(string text) => text.Length <= 120 ? text : text[..120] + "…";
}
