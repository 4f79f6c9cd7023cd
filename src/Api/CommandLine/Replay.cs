// Plays a trace of LLM calls against a running host: every call is checked, held and settled, as an orchestrator would do it.
using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using Spectre.Console;

namespace Purser.Api;

public sealed class Replay : IDisposable
{
    /// <summary>What a shell expects of a program that was stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;

    const string LimitId = "replay-tokens-per-hour";

    readonly ReplayOptions options;
    readonly ReplayScreen screen;
    readonly ReplayTally tally;
    readonly ReplayClient client;
    readonly ReplayLedgerFile? ledgerFile;

    Replay(ReplayOptions options, IAnsiConsole console)
    {
        this.options = options;
        screen = new(console) { IsSilent = options.Json };
        tally = new(options.Accounts);
        ledgerFile = options.LedgerFile is null ? null : new(options.LedgerFile);
        client = new(options, tally);
    }

    /// <summary>
    /// 0 when every call was answered as expected (a refusal is an expected answer) and, where asked for, the reports agree; else 1.
    /// A run that was cut short by cancellation is <see cref="Interrupted"/>.
    /// </summary>
    public static async Task<int> RunAsync(ReplayOptions options, IAnsiConsole console, CancellationToken cancellation)
    {
        try
        {
            using var replay = new Replay(options, console);
            return await replay.RunAsync(cancellation);
        }
        catch (Exception unreadable) when (unreadable is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new NoLedgerException(unreadable.Message, ExitCodes.Failed);
        }
    }

    async Task<int> RunAsync(CancellationToken cancellation)
    {
        // Read once before anything is sent: a file that is no trace plays nothing, and the progress knows its end.
        var malformed = new List<MalformedRow>();
        var calls = Calls(malformed.Add).LongCount();
        screen.Start(options, calls, malformed);
        if (calls == 0)
        {
            throw new NoLedgerException("there is nothing to play", ExitCodes.Failed);
        }

        var started = Stopwatch.GetTimestamp();
        string? stopped = null;
        var interrupted = false;
        try
        {
            await SetLimitAsync(cancellation);
            started = Stopwatch.GetTimestamp();
            await screen.FollowAsync(PlayAllAsync(cancellation), tally, calls);
        }
        catch (ReplayStoppedException stop)
        {
            stopped = stop.Message;
        }
        catch (OperationCanceledException)
        {
            interrupted = true;
        }
        var elapsed = Stopwatch.GetElapsedTime(started);
        screen.Finish(tally, calls, malformed.Count, elapsed, options.Speed is not null);
        if (stopped is not null || interrupted)
        {
            screen.CutShort(stopped ?? "interrupted", options);
            return End(stopped is null ? Interrupted : ExitCodes.Failed, null);
        }

        bool? agree = options.Verify ? await VerifyAsync(cancellation) : null;
        return End(agree != false && tally.Figures().Unexpected.Count == 0 ? ExitCodes.Done : ExitCodes.Failed, agree);

        int End(int code, bool? reportsAgree)
        {
            if (!options.Json) return code;
            var result = tally.ToJson(options, calls, elapsed);
            result["malformedLines"] = malformed.Count;
            result["reportsAgree"] = reportsAgree;
            if (stopped is not null || interrupted) (result["error"], result["exitCode"]) = (stopped ?? "interrupted", code);
            return screen.Print(result, code);
        }
    }

    IEnumerable<TraceCall> Calls(Action<MalformedRow>? malformed = null) =>
        options.File is { } file ? TraceFile.Read(file, malformed) : SyntheticTrace.Calls(options.Synthetic);

    async Task SetLimitAsync(CancellationToken cancellation)
    {
        if (options.LimitTokensPerHour is not { } amount) return;
        var policy = new ReplayPolicy([new(LimitId, "tokens", "hour", amount, "hard")]);
        for (var i = 0; i < options.Accounts; i++)
        {
            var account = ReplayOptions.AccountName(i);
            var reply = await client.SendAsync(
                HttpMethod.Put, $"v1/accounts/{account}/policy", policy, ReplayJson.Default.ReplayPolicy, null, cancellation);
            if ((int)reply.Status >= 300) throw new ReplayStoppedException($"the policy of {account} could not be set: {Describe(reply)}");
        }
    }

    Task PlayAllAsync(CancellationToken cancellation) => Parallel.ForEachAsync(
        PacedAsync(cancellation),
        new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = cancellation },
        async (call, stop) =>
        {
            await PlayAsync(call, stop);
            tally.Played();
        });

    /// <summary>The calls, each not before its time.</summary>
    async IAsyncEnumerable<TraceCall> PacedAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var call in Calls())
        {
            if (options.Speed is { } speed)
            {
                var wait = call.Offset / speed - Stopwatch.GetElapsedTime(started);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, cancellation);
                else tally.Behind(-wait);
            }
            yield return call;
        }
    }

    async Task PlayAsync(TraceCall call, CancellationToken cancellation)
    {
        var index = options.AccountOf(call);
        var account = ReplayOptions.AccountName(index);
        var id = options.ReservationIdOf(call);
        var estimate = new ReplayEstimate(options.Orchestrator, options.Model, call.InputTokens, ReplayOptions.MaxOutputTokensOf(call));

        var check = await client.SendAsync(
            HttpMethod.Post, $"v1/accounts/{account}/check", estimate, ReplayJson.Default.ReplayEstimate, tally.CheckLatency, cancellation);
        if (check.Status == HttpStatusCode.OK && check.As(ReplayJson.Default.ReplayDecision)?.Allowed is { } allowed)
            tally.Checked(allowed);
        else tally.Unexpected($"check {Kind(check)}", Describe(check));

        // Held even if the check said no: in a run that goes on after an interruption this call may hold its tokens already, and then
        // it must be settled.
        var hold = estimate with { Id = id, TtlSeconds = options.TtlSeconds };
        var reserve = await client.SendAsync(
            HttpMethod.Post, $"v1/accounts/{account}/reservations", hold, ReplayJson.Default.ReplayEstimate, tally.ReserveLatency,
                cancellation);
        var decision = reserve.As(ReplayJson.Default.ReplayDecision);
        if (reserve.Status == HttpStatusCode.TooManyRequests && decision is not null)
        {
            var limits = decision.BlockedBy?.Select(blocker => blocker.LimitId).OfType<string>().Distinct().ToArray() ?? [];
            tally.Refused(limits.Length > 0 ? limits : [Slug(decision.Type)]);
            return;
        }
        if (reserve.Status is not (HttpStatusCode.Created or HttpStatusCode.OK) || decision?.Allowed != true)
        {
            tally.Unexpected($"reserve {Kind(reserve)}", Describe(reserve));
            return;
        }
        tally.Admitted(index, hold.InputTokens + hold.MaxOutputTokens);
        ledgerFile?.Write(new("reserve", account, id, null, hold.InputTokens, hold.MaxOutputTokens, null, null, null));

        var usage = new ReplayUsage(
            ReplayOptions.UsageIdOf(id), call.InputTokens, call.OutputTokens, call.CachedInputTokens > 0 ? call.CachedInputTokens : null);
        var settle = await client.SendAsync(
            HttpMethod.Post, $"v1/accounts/{account}/reservations/{Uri.EscapeDataString(id)}/settle", usage, ReplayJson.Default.ReplayUsage,
            tally.SettleLatency, cancellation);
        if (settle.Status is not (HttpStatusCode.OK or HttpStatusCode.Created) || settle.As(ReplayJson.Default.ReplaySettlement)
            is not { } settlement)
        {
            tally.Unexpected($"settle {Kind(settle)}", Describe(settle));
            return;
        }
        tally.Settled(index, call, settlement);
        ledgerFile?.Write(new(
            "settle", account, id, usage.Id, usage.InputTokens, null, usage.OutputTokens, usage.CachedInputTokens, settlement.Cost));
    }

    /// <summary>Asks for the report of every account and compares it with what was settled. An account that is not known has used
    /// nothing.</summary>
    async Task<bool> VerifyAsync(CancellationToken cancellation)
    {
        var accounts = tally.PerAccount();
        var rows = new ReplayComparison[accounts.Count];
        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, accounts.Count),
                new ParallelOptions { MaxDegreeOfParallelism = options.Concurrency, CancellationToken = cancellation },
                async (i, stop) =>
                {
                    var (account, input, output) = accounts[i];
                    var reply = await client.GetAsync(
                        $"v1/reports?account={account}&orchestrator={Uri.EscapeDataString(options.Orchestrator)}", stop);
                    var reported = reply.Status == HttpStatusCode.NotFound ? new ReplayMeasures(0, 0)
                        : reply.Status == HttpStatusCode.OK ? reply.As(ReplayJson.Default.ReplayReport)?.Summary : null;
                    rows[i] = new(account, input, output, reported?.TotalInputTokens, reported?.TotalOutputTokens, reported is null
                        ? Describe(reply) : null);
                });
        }
        catch (ReplayStoppedException stop)
        {
            screen.Say(stop.Message);
            return false;
        }
        screen.Compare(rows);
        return rows.All(row => row.Agrees);
    }

    static string Slug(string? type) => type is null ? "unnamed" : type[(type.LastIndexOf(':') + 1)..];

    static string Kind(in ReplayReply reply) =>
        reply.As(ReplayJson.Default.ReplayDecision)?.Type is { } type ? $"{(int)reply.Status} {Slug(type)}" : $"{(int)reply.Status}";

    static string Describe(in ReplayReply reply) =>
        reply.As(ReplayJson.Default.ReplayDecision)?.Detail
            ?? $"{(int)reply.Status} with {reply.Body.Length} bytes that are not understood";

    public void Dispose()
    {
        client.Dispose();
        ledgerFile?.Dispose();
    }
}
