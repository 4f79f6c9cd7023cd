// The keys of rollups by their numbers, as a ledger keeps them in memory, and those among them that a question is about.
namespace Purser.Engine;

/// <summary>Keys grow and never change. <see cref="Last"/> is the highest number.</summary>
public sealed class RollupKeys
{
    public static readonly RollupKeys None = new([]);

    readonly IReadOnlyList<(int No, RollupKey Key)>[] ofViews;

    RollupKeys(IReadOnlyList<(int No, RollupKey Key)> keys)
    {
        All = keys;
        ofViews = new IReadOnlyList<(int, RollupKey)>[RollupView.All.Count];
        foreach (var view in RollupView.All) ofViews[view.No] = [.. keys.Where(key => key.Key.View == view.No)];
    }

    public IReadOnlyList<(int No, RollupKey Key)> All { get; }

    public int Last => All.Count == 0 ? 0 : All[^1].No;

    public RollupKeys With(IReadOnlyList<(int No, RollupKey Key)> more) => new([.. All, .. more]);

    public IReadOnlyList<(int No, RollupKey Key)> Of(RollupView view) => ofViews[view.No];

    /// <summary>The numbers of a view's keys that <paramref name="expect"/> wants.</summary>
    public IReadOnlyList<int> Expected(RollupView view, Func<int, RollupKey, bool> expect) =>
        [.. Of(view).Where(key => expect(key.No, key.Key)).Select(key => key.No)];
}
