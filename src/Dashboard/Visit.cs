// One person looking: who it is, what it may do, in which zone and language it reads; and its way to the desk.
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Web;

namespace Purser.Dashboard;

/// <summary>What a key may do and where, as `/v1/me` says it.</summary>
public sealed record Me(string Id, string Name, ImmutableArray<string> Rights, ImmutableArray<string> Accounts)
{
    public static readonly Me Nobody = new("", "", [], []);

    public bool May(params ReadOnlySpan<string> any)
    {
        foreach (var right in any)
            if (Rights.Contains(right)) return true;
        return false;
    }

    public bool SeesAll => Accounts.Contains("*");

    /// <summary>The one account that it sees; null where there may be several.</summary>
    public string? Only => Accounts is [var one] && one.AsSpan().IndexOfAny('*', '?') < 0 ? one : null;

    /// <summary>Whether it signed in, and so can sign out.</summary>
    public bool HasSignedIn => Id is not ("" or "anonymous");
}

/// <summary>There is one visit for each open page, and one while a page is made for the first time.</summary>
public sealed class Visit : IDisposable
{
    const string keptAs = "answers", ticketAs = "ticket";

    /// <summary>A page is shown after so long, with what is there by then: the rest comes when it is answered.</summary>
    static readonly TimeSpan firstPaint = TimeSpan.FromMilliseconds(250);

    readonly IDesk desk;
    readonly AuthenticationStateProvider authentication;
    readonly NavigationManager navigation;
    readonly PersistentComponentState kept;
    readonly Handovers handovers;
    readonly PersistingComponentStateSubscription keeping;
    /// <summary>Null once the page is alive: from then on nothing is handed on.</summary>
    ConcurrentDictionary<string, Task<Answer>>? asked = new();
    Dictionary<string, Answer>? before;
    Dictionary<string, Task<Answer>> underWay = [];
    Task? patience;
    int waiting;

    public Visit(IDesk desk, AuthenticationStateProvider authentication, NavigationManager navigation, PersistentComponentState kept,
        Handovers handovers)
    {
        (this.desk, this.authentication, this.navigation, this.kept, this.handovers) = (desk, authentication, navigation, kept, handovers);
        keeping = kept.RegisterOnPersisting(HandOnAsync, RenderMode.InteractiveServer);
    }

    /// <summary>Answers larger than this, or beyond so many, are not handed on but asked for again: a page should not bring everything
    /// twice.</summary>
    const int LargestHandedOn = 100_000, MostHandedOn = 20;

    async Task HandOnAsync()
    {
        if (asked is null) return;
        var (done, open) = (new Dictionary<string, Answer>(), new Dictionary<string, Task<Answer>>());
        foreach (var (address, task) in asked)
            if (!task.IsCompleted) open[address] = task;
            else if (task.IsCompletedSuccessfully && task.Result.Body is { ValueKind: not JsonValueKind.Undefined } body
                && body.GetRawText().Length < LargestHandedOn && done.Count < MostHandedOn) done[address] = task.Result;
        kept.PersistAsJson(keptAs, done);
        if (open.Count > 0 && handovers.Leave(WhoIs(await VisitorAsync()), open) is { } ticket) kept.PersistAsJson(ticketAs, ticket);
    }

    static string WhoIs(ClaimsPrincipal visitor) => visitor.FindFirst(ClaimTypes.NameIdentifier)?.Value ?? "";

    /// <summary>The page answers to clicks from now on.</summary>
    public void ComesToLife() => asked = null;

    /// <summary>Waits for what a page loads while it is made for the first time, but not for long: skeletons are shown until the rest is
    /// there.</summary>
    public async Task SoonAsync(Task load)
    {
        patience ??= Task.Delay(firstPaint);
        if (await Task.WhenAny(load, patience) == load) await load;
    }

    /// <summary>Whether something that was chosen is not shown yet.</summary>
    public bool IsWaiting => Volatile.Read(ref waiting) > 0;

    public event Action? WaitingChanged;

    internal void Waits(bool begins)
    {
        if ((begins ? Interlocked.Increment(ref waiting) : Interlocked.Decrement(ref waiting)) == (begins ? 1 : 0))
            WaitingChanged?.Invoke();
    }

    /// <summary>Asked before anybody has signed in, too.</summary>
    public async Task<Me> MeAsync()
    {
        var answer = await desk.AskAsync(await VisitorAsync(), new("GET", "/v1/me"));
        return !answer.IsDone ? Me.Nobody : new(
            answer.Body.TextOf("id") ?? "", answer.Body.TextOf("name") ?? "", [.. answer.Body.TextsOf("rights")],
            [.. answer.Body.TextsOf("accounts")]);
    }

    async Task<ClaimsPrincipal> VisitorAsync() => (await authentication.GetAuthenticationStateAsync()).User;

    /// <summary>Answers that the page got while it was made are not asked for again: it comes to life as it looks.</summary>
    public async Task<Answer> AskAsync(string address, CancellationToken cancellation = default)
    {
        if (before is null)
        {
            before = kept.TryTakeFromJson<Dictionary<string, Answer>>(keptAs, out var earlier) ? earlier! : [];
            if (kept.TryTakeFromJson<string>(ticketAs, out var ticket) && handovers.Take(ticket!, WhoIs(await VisitorAsync())) is { } left)
                underWay = left.ToDictionary();
        }
        if (before.Remove(address, out var known)) return known;
        if (underWay.Remove(address, out var begun)) return Seen(await begun.WaitAsync(cancellation));
        if (asked is not { } remembered) return await AskAsync(new Question("GET", address), cancellation);
        // Goes on when this page is there: the one that comes to life takes it.
        var task = desk.AskAsync(await VisitorAsync(), new("GET", address), CancellationToken.None);
        remembered[address] = task;
        return Seen(await task.WaitAsync(cancellation));
    }

    public Task<Answer> SendAsync(string method, string address, object? body = null, string? ifMatch = null, string? once = null) =>
        AskAsync(new Question(method, address, body is null ? null : body as string ?? JsonSerializer.Serialize(body), ifMatch, once));

    async Task<Answer> AskAsync(Question question, CancellationToken cancellation = default)
    {
        var answer = await desk.AskAsync(await VisitorAsync(), question, cancellation);
        // Who does not wait any more gets nothing, and no answer that was broken off.
        cancellation.ThrowIfCancellationRequested();
        return Seen(answer);
    }

    Answer Seen(Answer answer)
    {
        // The key was revoked, or has ended: whoever looks has to say anew who it is.
        if (answer.Status == 401)
            navigation.NavigateTo("/sign-in?why=ended&to=" + Uri.EscapeDataString(
                "/" + navigation.ToBaseRelativePath(navigation.Uri)), forceLoad: true);
        return answer;
    }

    public async IAsyncEnumerable<IReadOnlyList<Happening>> FollowAsync(
        int past, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var page in desk.FollowAsync(await VisitorAsync(), past, cancellation)) yield return page;
    }

    public void Dispose() => keeping.Dispose();
}
