// An assertion that shows everything it found, each on its own line and none of it cut off.
namespace Purser.House.Tests;

static class Nothing
{
    public static void In(IEnumerable<string> found)
    {
        var all = found.ToList();
        Assert.True(all.Count == 0, $"{all.Count} found:\n{string.Join('\n', all)}");
    }
}
