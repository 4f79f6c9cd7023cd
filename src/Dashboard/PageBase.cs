// What every page does: load when its address changes, say why where it can not, and look again when something happened.
using System.Diagnostics;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.JSInterop;
using NodaTime;

namespace Purser.Dashboard;

public abstract class PageBase : ComponentBase, IDisposable
{
    /// <summary>However much happens, a page looks again at most this often.</summary>
    static readonly TimeSpan between = TimeSpan.FromSeconds(1);

    /// <summary>Figures that take long are read again seldom, so that a page that only stays open takes at most a part of a host's
    /// time.</summary>
    const int RestsFor = 4;

    readonly CancellationTokenSource closing = new();
    readonly CancellationToken closed;
    CancellationTokenSource? loading;
    bool asked, busy;

    protected PageBase() => closed = closing.Token;

    [Inject] public required Visit Visit { get; set; }
    [Inject] public required Live Live { get; set; }
    [Inject] public required NavigationManager Navigation { get; set; }
    [Inject] public required IJSRuntime Browser { get; set; }
    [CascadingParameter] public View View { get; set; } = View.Usual;
    [CascadingParameter] public Me Me { get; set; } = Me.Nobody;

    /// <summary>The request that a page is made for; null once the page has come to life.</summary>
    [CascadingParameter] public HttpContext? Http { get; set; }

    /// <summary>Null until the page has something to show.</summary>
    protected bool IsLoaded { get; private set; }

    /// <summary>Why there is nothing to show; null where there is.</summary>
    protected Answer? Trouble { get; set; }

    /// <summary>Ends with the page, and where something else was chosen meanwhile.</summary>
    protected CancellationToken Closing => loading?.Token ?? closed;

    /// <summary>Ends with the page alone.</summary>
    protected CancellationToken Ended => closed;

    /// <summary>Whether something that was sent is not answered yet.</summary>
    protected bool IsSending { get; private set; }

    /// <summary>The id under which the form of the page is sent: the same until what became of it is known, so that trying again does
    /// nothing twice. A field of the form holds it, and the browser keeps it with what was typed.</summary>
    protected string Once { get; set; } = NewOnce();

    static string NewOnce() => Guid.CreateVersion7().ToString("N");

    protected static Instant Now => SystemClock.Instance.GetCurrentInstant();

    /// <summary>Asks for everything that the page shows.</summary>
    protected abstract Task LoadAsync();

    /// <summary>Whether what happened changes what the page shows.</summary>
    protected virtual bool Concerns(Happening happened) => false;

    protected override void OnInitialized()
    {
        Live.Happened += OnHappened;
        Live.StateChanged += OnLive;
    }

    /// <summary>The page hears events again: those that it missed may concern it, so it is read anew.</summary>
    void OnLive()
    {
        var missed = wasLost;
        wasLost = Live.State == LiveState.Lost;
        if (missed && Live.State == LiveState.Live) _ = InvokeAsync(LookAgainAsync);
    }

    bool wasLost;

    protected override Task OnParametersSetAsync()
    {
        var load = ShowAsync();
        return Http is null ? load : Visit.SoonAsync(load);
    }

    async Task ShowAsync()
    {
        Visit.Waits(begins: true);
        try
        {
            await ReloadAsync();
        }
        finally
        {
            Visit.Waits(begins: false);
        }
    }

    /// <summary>Takes the place of what is loaded now: what was chosen before comes no more.</summary>
    protected async Task ReloadAsync()
    {
        loading?.Cancel();
        using var mine = CancellationTokenSource.CreateLinkedTokenSource(closed);
        var ended = mine.Token;
        loading = mine;
        Trouble = null;
        try
        {
            await LoadAsync();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return;
        }
        finally
        {
            if (loading == mine) loading = null;
        }
        if (!ended.IsCancellationRequested) IsLoaded = true;
    }

    /// <summary>The answer where it is one; else null, and the page says why.</summary>
    protected async Task<Answer?> AskAsync(string address)
    {
        var answer = await Visit.AskAsync(address, Closing);
        if (answer.IsDone) return answer;
        Trouble ??= answer;
        return null;
    }

    /// <summary>Sends what somebody clicked; null where what was clicked before is not answered yet.</summary>
    /// <param name="once">An id, where sending it twice would do it twice.</param>
    protected async Task<Answer?> SendAsync(string method, string address, object? body = null, string? ifMatch = null, string? once = null)
    {
        if (IsSending) return null;
        IsSending = true;
        try
        {
            var answer = await Visit.SendAsync(method, address, body, ifMatch, once);
            // What was refused keeps the id: what was sent before it, and nobody heard of, may be done.
            if (once is not null && (answer.IsDone || answer.IsTaken)) Once = NewOnce();
            return answer;
        }
        finally
        {
            IsSending = false;
        }
    }

    void OnHappened(IReadOnlyList<Happening> page)
    {
        if (page.Any(Concerns)) _ = InvokeAsync(LookAgainAsync);
    }

    async Task LookAgainAsync()
    {
        asked = true;
        if (busy) return;
        busy = true;
        try
        {
            while (asked && !closed.IsCancellationRequested)
            {
                asked = false;
                var began = Stopwatch.GetTimestamp();
                await ReloadAsync();
                StateHasChanged();
                var took = Stopwatch.GetElapsedTime(began) * RestsFor;
                await Task.Delay(took > between ? took : between, closed)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            }
        }
        finally
        {
            busy = false;
        }
    }

    /// <summary>The address of this page with some of its parameters changed; null takes one away.</summary>
    protected string With(params (string Name, object? Value)[] changes) =>
        Navigation.GetUriWithQueryParameters(changes.ToDictionary(change => change.Name, change => change.Value));

    protected void Go(params (string Name, object? Value)[] changes) => Navigation.NavigateTo(With(changes));

    /// <summary>The name under which the browser keeps what somebody typed into a form: each person has drafts of their own.</summary>
    protected string DraftOf(string form) => $"{Me.Id}:{form}";

    /// <summary>What was typed into a form was sent: the browser keeps it no longer.</summary>
    protected async Task SentAsync(string form) => await Browser.InvokeVoidAsync("purser.sent", closed, DraftOf(form));

    protected static string Escape(string text) => Uri.EscapeDataString(text);

    public void Dispose()
    {
        Live.Happened -= OnHappened;
        Live.StateChanged -= OnLive;
        closing.Cancel();
        closing.Dispose();
        GC.SuppressFinalize(this);
    }
}
