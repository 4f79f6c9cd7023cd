// A row of a result, however a database hands it over. Rows are read in place: nothing of one is kept.
using Purser.Engine;

namespace Purser.Ledgers.Relational;

interface IRow
{
    long Long(int column);

    long? LongOrNull(int column);

    int Int(int column);

    bool Flag(int column);

    string Text(int column);

    string? TextOrNull(int column);

    /// <summary>Valid until the next row.</summary>
    ReadOnlySpan<byte> Blob(int column);

    /// <summary>The account that a column refers to, which not every database keeps as text.</summary>
    string Account(int column);
}

static class RowReading
{
    /// <summary>The figures at the beginning of a row of usage.</summary>
    public const string Figures = $"at, input, output, requests, cost_nanos, success, duration_ms, {UsageColumns.Unpriced}, currency";

    /// <summary>How many columns those are, the currency included.</summary>
    public const int Currency = 8;

    /// <summary>What folding reads of a record: its figures, its place in the order of booking, and what its key is made of.</summary>
    public const string Folded =
        $"{Figures}, position, account, orchestrator, \"user\", tenant, session, provider, model, tool, erased";

    public static UsageFigures FiguresOf(this IRow row) => new(
        row.Long(0), row.Long(1), row.Long(2), row.Long(3), row.Long(4), row.Flag(5), row.LongOrNull(6), row.Int(7));

    /// <summary>Adds a row of <see cref="Folded"/> to a fold, and says how far that is in the order of booking.</summary>
    public static long FoldInto(this IRow row, Fold fold)
    {
        if (!row.Flag(18))
        {
            var figures = row.FiguresOf();
            fold.Add(new(row.Account(10), row.TextOrNull(11), row.TextOrNull(12), row.TextOrNull(13), row.TextOrNull(15),
                row.TextOrNull(16), row.TextOrNull(17), figures.Success, row.Text(Currency)), row.TextOrNull(14), figures);
        }
        return row.Long(9);
    }
}
