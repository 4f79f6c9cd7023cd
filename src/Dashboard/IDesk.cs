// What the dashboard asks its host for: the public operations, in the name of whoever looks, and a word when something happened.
using System.Security.Claims;
using System.Text.Json;

namespace Purser.Dashboard;

/// <summary>
/// The host behind the pages. An operation is asked for by its address and answered as it is over HTTP, with the rights and accounts of
/// the visitor's key: a page can show and do nothing that its visitor could not ask for without it.
/// </summary>
public interface IDesk
{
    /// <summary>What people call the issuer at which they may sign in; null where there is none.</summary>
    string? Issuer => null;

    /// <summary>Never throws for an expected answer; 401 where the visitor's key has ended.</summary>
    Task<Answer> AskAsync(ClaimsPrincipal visitor, Question question, CancellationToken cancellation = default);

    /// <summary>
    /// What happens in the accounts of the visitor, page by page, for as long as somebody reads. The first page is what was before, of the
    /// last <paramref name="past"/> positions; an empty one later says that the feed is read and nothing came.
    /// </summary>
    IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(ClaimsPrincipal visitor, int past, CancellationToken cancellation = default);
}

/// <summary>An operation by its address, such as `/v1/accounts?limit=10`. <see cref="IfMatch"/>: only at this version.
/// <see cref="Once"/>: done once, however often it is asked for under this id.</summary>
public sealed record Question(string Method, string Address, string? Json = null, string? IfMatch = null, string? Once = null);

/// <summary>What an operation answered. <see cref="Body"/> is undefined where it answered nothing.</summary>
public sealed record Answer(int Status, JsonElement Body, string? Version = null)
{
    public bool IsDone => Status is >= 200 and < 300;

    /// <summary>Nobody heard what became of it: it may be done.</summary>
    public bool IsUnknown => Status >= 500;

    /// <summary>Something was done under its id before, and this was not.</summary>
    public bool IsTaken => Status == 409;

    /// <summary>Why it was refused, in the words of the operation.</summary>
    public string Problem => Body.ValueKind == JsonValueKind.Object && (Body.TextOf("detail") ?? Body.TextOf("title")) is { } told
        ? told : $"the answer was {Status}";

    /// <summary>The member that is at fault; null where none is.</summary>
    public string? Field => Body.ValueKind == JsonValueKind.Object ? Body.TextOf("field") : null;
}

/// <summary>One event, as the feed tells it.</summary>
public sealed record Happening(long Position, string Type, string? Account, DateTimeOffset At, string? Subject, string Severity,
    string Json);
