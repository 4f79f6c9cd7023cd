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

/// <summary>One for each page that is open, and one while a page is made for the first time.</summary>
public sealed class Visit : IDisposable
{
    const string keptAs = "answers";

    readonly IDesk desk;
    readonly AuthenticationStateProvider authentication;
    readonly NavigationManager navigation;
    readonly PersistentComponentState kept;
    readonly PersistingComponentStateSubscription keeping;
    /// <summary>Null once the page is alive: from then on nothing is handed on.</summary>
    ConcurrentDictionary<string, Answer>? asked = new();
    Dictionary<string, Answer>? before;

    public Visit(IDesk desk, AuthenticationStateProvider authentication, NavigationManager navigation, PersistentComponentState kept)
    {
        (this.desk, this.authentication, this.navigation, this.kept) = (desk, authentication, navigation, kept);
        keeping = kept.RegisterOnPersisting(() =>
        {
            if (asked is not null) kept.PersistAsJson(keptAs, HandedOn(asked));
            return Task.CompletedTask;
        }, RenderMode.InteractiveServer);
    }

    /// <summary>What is too large is asked once more: a page should not bring everything twice.</summary>
    static Dictionary<string, Answer> HandedOn(ConcurrentDictionary<string, Answer> asked) => asked
        .Where(one => one.Value.Body.ValueKind != JsonValueKind.Undefined && one.Value.Body.GetRawText().Length < LargestHandedOn).Take(20)
        .ToDictionary();

    const int LargestHandedOn = 100_000;

    /// <summary>The page answers to clicks from now on.</summary>
    public void ComesToLife() => asked = null;

    /// <summary>Asked before anybody has signed in, too.</summary>
    public async Task<Me> MeAsync()
    {
        var answer = await desk.AskAsync(await VisitorAsync(), new("GET", "/v1/me"));
        return !answer.IsDone ? Me.Nobody : new(
            answer.Body.TextOf("id") ?? "", answer.Body.TextOf("name") ?? "", [.. answer.Body.TextsOf("rights")],
            [.. answer.Body.TextsOf("accounts")]);
    }

    async Task<ClaimsPrincipal> VisitorAsync() => (await authentication.GetAuthenticationStateAsync()).User;

    /// <summary>What was answered while the page was made is answered once more without asking: it comes to life as it looks.</summary>
    public async Task<Answer> AskAsync(string address, CancellationToken cancellation = default)
    {
        before ??= kept.TryTakeFromJson<Dictionary<string, Answer>>(keptAs, out var earlier) ? earlier! : [];
        if (before.Remove(address, out var known)) return known;
        var answer = await AskAsync(new Question("GET", address), cancellation);
        if (asked is { } remembered) remembered[address] = answer;
        return answer;
    }

    public Task<Answer> SendAsync(string method, string address, object? body = null, string? ifMatch = null) =>
        AskAsync(new Question(method, address, body is null ? null : body as string ?? JsonSerializer.Serialize(body), ifMatch));

    async Task<Answer> AskAsync(Question question, CancellationToken cancellation = default)
    {
        var answer = await desk.AskAsync(await VisitorAsync(), question, cancellation);
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
