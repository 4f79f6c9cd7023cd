// What a replay is asked to do.
namespace Purser.Api;

public sealed record ReplayOptions
{
    public required Uri Url { get; init; }

    /// <summary>The trace; without one, <see cref="Synthetic"/> made-up calls are played.</summary>
    public string? File { get; init; }
    public int Synthetic { get; init; } = 1000;

    /// <summary>1 keeps the trace's own pace, 10 is ten times faster; null: as fast as it goes.</summary>
    public double? Speed { get; init; }
    public int Accounts { get; init; } = 10;
    public int Concurrency { get; init; } = 32;
    public string Model { get; init; } = "gpt-4o-mini";
    public long? TtlSeconds { get; init; }
    public long? LimitTokensPerHour { get; init; }
    public string? Key { get; init; }

    /// <summary>The file with the certificate of the host, which is trusted by whatever name it is called.</summary>
    public string? Certificate { get; init; }

    /// <summary>Part of every id: the same run played again counts nothing twice.</summary>
    public required string Run { get; init; }
    public TimeSpan GiveUp { get; init; } = TimeSpan.FromSeconds(60);
    public string? LedgerFile { get; init; }
    public bool Verify { get; init; }

    /// <summary>What it says at the end is one object for programs.</summary>
    public bool Json { get; init; }

    /// <summary>The name of the trace as ids carry it: short, and harmless in a path.</summary>
    public string TraceName
    {
        get
        {
            if (File is null) return "synthetic";
            var name = string.Concat(Path.GetFileName(File).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_'));
            return name.Length <= 80 ? name : name[..80];
        }
    }

    /// <summary>The dimension that tells the usage of this run from all other usage of the same accounts.</summary>
    public string Orchestrator => $"replay-{Run}";

    public static string AccountName(int index) => $"replay-{index + 1:D4}";

    public int AccountOf(in TraceCall call) => (int)((call.Row - 1) % Accounts);

    public string ReservationIdOf(in TraceCall call) => $"{Run}:{TraceName}:{call.Row}";

    public static string UsageIdOf(string reservationId) => $"{reservationId}:used";

    /// <summary>
    /// What the caller allows the model to write: traces tell only what it did write, so the next power of two from 256 on, as callers
    /// choose round numbers that are large enough.
    /// </summary>
    public static long MaxOutputTokensOf(in TraceCall call)
    {
        var most = 256L;
        while (most < call.OutputTokens) most *= 2;
        return most;
    }

    /// <summary>1 to 64 letters, digits and `. _ -`: a run is part of ids and of a dimension.</summary>
    public static bool IsRun(string run) => run.Length is > 0 and <= 64
        && run.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
