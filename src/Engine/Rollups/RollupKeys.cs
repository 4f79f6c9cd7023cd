// Keys of rollups by their numbers: those of a view, or of an account in it, as a question needs them.
namespace Purser.Engine;

/// <summary>Keys in the order of their numbers. <see cref="OutOf"/>: about how many keys the view has in all.</summary>
public sealed record RollupKeys(IReadOnlyList<(int No, RollupKey Key)> All, int OutOf)
{
    public static readonly RollupKeys None = new([], 0);

    /// <summary>The numbers of those that <paramref name="expect"/> wants.</summary>
    public IReadOnlyList<int> Expected(Func<int, RollupKey, bool> expect) =>
        [.. All.Where(key => expect(key.No, key.Key)).Select(key => key.No)];
}
