// What a replay shows: a bar on a terminal, a line every few seconds elsewhere, tables at the end.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace Purser.Api;

/// <summary>What one account settled, and what its report says (null: it could not be read, and why).</summary>
sealed record ReplayComparison(
    string Account, long SettledInput, long SettledOutput, long? ReportedInput, long? ReportedOutput, string? Problem)
{
    public bool Agrees => SettledInput == ReportedInput && SettledOutput == ReportedOutput;
}

sealed class ReplayScreen(IAnsiConsole console)
{
    const int MostNamedRows = 5;
    const int MostListedAccounts = 20;
    static readonly TimeSpan barEvery = TimeSpan.FromMilliseconds(200);
    static readonly TimeSpan lineEvery = TimeSpan.FromSeconds(3);

    /// <summary>Nothing is shown but what is printed for programs.</summary>
    public bool IsSilent { get; init; }

    /// <summary>One line, however long: whoever reads it from a pipe wants it whole.</summary>
    public void Say(string text)
    {
        if (!IsSilent) console.Profile.Out.Writer.WriteLine(text);
    }

    public int Print(JsonNode result, int code) => new OperationScreen(console).Print(result, code);

    void Show(Table table)
    {
        if (!IsSilent) console.Write(table);
    }

    public void Start(ReplayOptions options, long calls, IReadOnlyList<MalformedRow> malformed)
    {
        var source = options.File is { } file ? file : "a synthetic trace";
        var pace = options.Speed switch
        {
            null => "as fast as it goes",
            1 => "at its own pace",
            var speed => string.Create(CultureInfo.InvariantCulture, $"{speed} times as fast as it was"),
        };
        Say($"run {options.Run}: {Number(calls)} calls of {source} to {options.Url} over {options.Accounts} accounts, {pace}");
        foreach (var row in malformed.Take(MostNamedRows)) Say($"left out line {row.Row}: {row.Problem}");
        if (malformed.Count > MostNamedRows) Say($"left out {Number(malformed.Count - MostNamedRows)} more malformed lines");
    }

    public async Task FollowAsync(Task playing, ReplayTally tally, long calls)
    {
        if (!IsSilent && console.Profile.Capabilities is { Interactive: true, Ansi: true }) await BarAsync(playing, tally, calls);
        else await LinesAsync(playing, tally, calls);
        await playing;
    }

    Task BarAsync(Task playing, ReplayTally tally, long calls) => console.Progress()
        .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
            new TaskDescriptionColumn { Alignment = Justify.Left })
        .StartAsync(async context =>
        {
            var bar = context.AddTask("starting", maxValue: Math.Max(1, calls));
            var started = Stopwatch.GetTimestamp();
            while (!playing.IsCompleted)
            {
                await Task.WhenAny(playing, Task.Delay(barEvery));
                var figures = tally.Figures();
                bar.Value = figures.Played;
                bar.Description = Markup.Escape(Line(figures, calls, Stopwatch.GetElapsedTime(started)));
            }
        });

    async Task LinesAsync(Task playing, ReplayTally tally, long calls)
    {
        var started = Stopwatch.GetTimestamp();
        while (await Task.WhenAny(playing, Task.Delay(lineEvery)) != playing)
            Say(Line(tally.Figures(), calls, Stopwatch.GetElapsedTime(started)));
    }

    static string Line(ReplayFigures figures, long calls, TimeSpan elapsed)
    {
        var line = $"{Number(figures.Played)} of {Number(calls)} calls, {PerSecond(figures.Played, elapsed)}/s";
        if (figures.Refused > 0) line += $", {Number(figures.Refused)} refused";
        if (figures.Retries > 0) line += $", {Number(figures.Retries)} retries ({figures.LastProblem})";
        return line;
    }

    public void Finish(ReplayTally tally, long calls, int malformed, TimeSpan elapsed, bool paced)
    {
        var figures = tally.Figures();
        var table = new Table().Border(TableBorder.Simple).HideHeaders().AddColumn("").AddColumn(new TableColumn("").RightAligned());
        void Row(string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));

        Row("calls", figures.Played == calls ? Number(calls) : $"{Number(figures.Played)} of {Number(calls)}");
        if (malformed > 0) Row("malformed lines left out", Number(malformed));
        Row("checked", Number(figures.Checked));
        if (figures.CheckedNo > 0) Row("  would not be allowed", Number(figures.CheckedNo));
        Row("admitted", Number(figures.Admitted));
        Row("refused", Number(figures.Refused));
        foreach (var (limit, count) in figures.BlockedBy) Row($"  by {limit}", Number(count));
        Row("held tokens", Number(figures.HeldTokens));
        Row("settled", Number(figures.Settled));
        Row("  input tokens", Number(figures.InputTokens));
        Row("  output tokens", Number(figures.OutputTokens));
        if (figures.Unpriced > 0) Row("  without a price", Number(figures.Unpriced));
        foreach (var (currency, amount) in figures.Cost) Row("cost", $"{amount.ToString(CultureInfo.InvariantCulture)} {currency}");
        foreach (var (kind, count, _) in figures.Unexpected) Row($"unexpected: {kind}", Number(count));
        Row("retries", Number(figures.Retries));
        if (paced) Row("behind the pace by at most", Seconds(figures.Behind));
        Row("wall time", Seconds(elapsed));
        Row("calls/s", PerSecond(figures.Played, elapsed));
        Show(table);

        var latency = new Table().Border(TableBorder.Simple).AddColumn("latency, ms");
        foreach (var column in (string[])["answers", "p50", "p95", "p99", "max"]) latency.AddColumn(new TableColumn(column).RightAligned());
        foreach (var (name, histogram) in (ReadOnlySpan<(string, LatencyHistogram)>)
            [("check", tally.CheckLatency), ("reserve", tally.ReserveLatency), ("settle", tally.SettleLatency)])
            latency.AddRow(
                name, Number(histogram.Count), Milliseconds(histogram.Percentile(0.50)), Milliseconds(histogram.Percentile(0.95)),
                Milliseconds(histogram.Percentile(0.99)), Milliseconds(histogram.Largest));
        Show(latency);

        foreach (var (kind, _, example) in figures.Unexpected) Say($"{kind}: {example}");
    }

    public void CutShort(string why, ReplayOptions options)
    {
        Say(why);
        Say($"Start it again with the same options and --run {options.Run} to go on: nothing is counted twice.");
    }

    public void Compare(IReadOnlyList<ReplayComparison> rows)
    {
        var wrong = rows.Where(row => !row.Agrees).ToList();
        var table = new Table().Border(TableBorder.Simple).AddColumn("account");
        foreach (var column in (string[])["settled in", "reported in", "settled out", "reported out"])
            table.AddColumn(new TableColumn(column).RightAligned());
        void Row(string account, long settledIn, long? reportedIn, long settledOut, long? reportedOut) =>
            table.AddRow(account, Number(settledIn), Reported(reportedIn), Number(settledOut), Reported(reportedOut));

        foreach (var row in (rows.Count <= MostListedAccounts ? rows : wrong).Take(MostListedAccounts))
            Row(row.Account, row.SettledInput, row.ReportedInput, row.SettledOutput, row.ReportedOutput);
        if (wrong.Count > MostListedAccounts && rows.Count > MostListedAccounts)
            Say($"the first {MostListedAccounts} of {Number(wrong.Count)} accounts that differ:");
        Row("all", rows.Sum(row => row.SettledInput), rows.Sum(row => row.ReportedInput ?? 0), rows.Sum(row => row.SettledOutput),
            rows.Sum(row => row.ReportedOutput ?? 0));
        Show(table);
        foreach (var row in wrong.Where(row => row.Problem is not null).Take(MostNamedRows)) Say($"{row.Account}: {row.Problem}");
        Say(wrong.Count == 0
            ? $"the reports of {Number(rows.Count)} accounts agree with what was settled"
            : $"the reports of {Number(wrong.Count)} of {Number(rows.Count)} accounts DIFFER from what was settled");
    }

    static string Reported(long? tokens) => tokens is { } known ? Number(known) : "?";

    static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    static string PerSecond(long calls, TimeSpan elapsed) =>
        Number((long)Math.Round(calls / Math.Max(elapsed.TotalSeconds, 0.001)));

    static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("N2", CultureInfo.InvariantCulture) + " s";

    static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("N2", CultureInfo.InvariantCulture);
}
