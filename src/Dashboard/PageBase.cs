// What every page does: load when its address changes, say why where it can not, and look again when something happened.
using Microsoft.AspNetCore.Components;
using NodaTime;

namespace Purser.Dashboard;

public abstract class PageBase : ComponentBase, IDisposable
{
    /// <summary>However much happens, a page looks again at most this often.</summary>
    static readonly TimeSpan between = TimeSpan.FromSeconds(1);

    readonly CancellationTokenSource closing = new();
    bool asked, busy;

    [Inject] public required Visit Visit { get; set; }
    [Inject] public required Live Live { get; set; }
    [Inject] public required NavigationManager Navigation { get; set; }
    [CascadingParameter] public View View { get; set; } = View.Usual;
    [CascadingParameter] public Me Me { get; set; } = Me.Nobody;

    /// <summary>Null until the page has something to show.</summary>
    protected bool IsLoaded { get; private set; }

    /// <summary>Why there is nothing to show; null where there is.</summary>
    protected Answer? Trouble { get; set; }

    protected CancellationToken Closing => closing.Token;

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

    /// <summary>What happened while nothing was heard may concern the page.</summary>
    void OnLive()
    {
        var missed = wasLost;
        wasLost = Live.State == LiveState.Lost;
        if (missed && Live.State == LiveState.Live) _ = InvokeAsync(LookAgainAsync);
    }

    bool wasLost;

    protected override async Task OnParametersSetAsync() => await ReloadAsync();

    protected async Task ReloadAsync()
    {
        Trouble = null;
        await LoadAsync();
        IsLoaded = true;
    }

    /// <summary>The answer where it is one; else null, and the page says why.</summary>
    protected async Task<Answer?> AskAsync(string address)
    {
        var answer = await Visit.AskAsync(address, Closing);
        if (answer.IsDone) return answer;
        Trouble ??= answer;
        return null;
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
            while (asked && !closing.IsCancellationRequested)
            {
                asked = false;
                await ReloadAsync();
                StateHasChanged();
                await Task.Delay(between, closing.Token)
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
