// The windows of a batch on their way: decided while the next one is read, answered in their order.
using System.Buffers;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using Purser.Core;
using Purser.Engine;

namespace Purser.Api.Endpoints;

/// <summary>
/// Two windows at a time, so that the ledger writes one while the other one is decided. An account whose lines stand in both is decided in
/// the first before it is asked again: whatever host answers, its lines keep their order.
/// </summary>
sealed class BatchWindows(IBudgetAuthority authority, HttpContext http)
{
    const int Most = 2;

    static readonly JsonWriterOptions readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The lines of one account in a window, and when they are decided.</summary>
    sealed class AccountLines
    {
        public List<BatchLine>? Lines = new(2);
        public Task Decided = Task.CompletedTask;
    }

    readonly Queue<Task> running = new();

    /// <summary>The newest window is answered.</summary>
    Task answered = Task.CompletedTask;
    Dictionary<string, AccountLines> newest = new(StringComparer.Ordinal);

    /// <summary>Takes a window as soon as there is room for it.</summary>
    public async ValueTask AddAsync(List<BatchLine> window)
    {
        var looksUp = window.Exists(line => line.Override is not null);
        while (running.Count >= (looksUp ? 1 : Most)) await running.Dequeue();
        if (looksUp) await LookUpAsync(window);
        answered = AnswerAsync(window, Decide(window), answered);
        running.Enqueue(answered);
    }

    /// <summary>When everything that was taken is answered, or can not be.</summary>
    public async Task EndAsync()
    {
        foreach (var one in running) await one.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await answered;
    }

    /// <summary>The unit of an override is that of its limit, as the lines before it left it.</summary>
    async Task LookUpAsync(List<BatchLine> window)
    {
        foreach (var line in window.Where(line => line.Override is not null))
            line.Command = line.Override!.ToAddOverride(Access.Caller.Of(http), new(line.Override.Id!, Fresh: false),
                line.Override.LimitId is { } limit ? await OverrideEndpoints.UnitOf(authority, line.Account!, limit) : null);
    }

    Task Decide(List<BatchLine> window)
    {
        var accounts = new Dictionary<string, AccountLines>(newest.Count, StringComparer.Ordinal);
        foreach (var line in window)
        {
            if (line.Command is null) continue;
            if (!accounts.TryGetValue(line.Account!, out var of)) accounts.Add(line.Account!, of = new());
            of.Lines!.Add(line);
        }
        foreach (var (account, of) in accounts)
        {
            var before = newest.TryGetValue(account, out var earlier) ? earlier.Decided : Task.CompletedTask;
            of.Decided = DecideAsync(account, of.Lines!, before);
            // When it is decided, nobody needs them but the window.
            of.Lines = null;
        }
        newest = accounts;
        return Task.WhenAll(accounts.Values.Select(of => of.Decided));
    }

    async Task DecideAsync(string account, List<BatchLine> lines, Task before)
    {
        await before;
        var commands = new BudgetCommand[lines.Count];
        for (var i = 0; i < commands.Length; i++) commands[i] = lines[i].Command!;
        try
        {
            var outcomes = await authority.SendAllAsync(account, commands);
            for (var i = 0; i < commands.Length; i++) lines[i].Decided(outcomes[i]);
        }
        catch (LedgerUnavailableException)
        {
            var away = new Outcome(OutcomeStatus.Unavailable, null, null, "the ledger can not be reached; send the line again");
            foreach (var line in lines) line.Decided(away);
        }
    }

    async Task AnswerAsync(List<BatchLine> window, Task decided, Task before)
    {
        await decided;
        await before;
        if (!http.Response.HasStarted) http.Response.ContentType = BatchEndpoints.LinesType;
        var to = http.Response.BodyWriter;
        Write(window, to);
        await to.FlushAsync(http.RequestAborted);
    }

    static void Write(List<BatchLine> window, PipeWriter to)
    {
        using var json = new Utf8JsonWriter(to, readable);
        foreach (var line in window)
        {
            line.Write(json);
            json.Flush();
            to.Write("\n"u8);
            json.Reset();
        }
    }
}
