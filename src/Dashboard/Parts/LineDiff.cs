// What changed between two texts, line by line: the longest common lines stay, the others go or come.
namespace Purser.Dashboard.Parts;

static class LineDiff
{
    /// <summary>So many lines are compared; longer texts are shown as gone and come.</summary>
    const int Most = 2000;

    /// <summary>Lines with `-` (gone), `+` (come) or a blank (as before).</summary>
    public static IEnumerable<(char Kind, string Line)> Of(string before, string after)
    {
        var (old, now) = (before.Split('\n'), after.Split('\n'));
        if (old.Length > Most || now.Length > Most) return [.. old.Select(line => ('-', line)), .. now.Select(line => ('+', line))];
        var common = new int[old.Length + 1, now.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
            for (var j = now.Length - 1; j >= 0; j--)
                common[i, j] = old[i] == now[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        var told = new List<(char, string)>();
        for (int i = 0, j = 0; i < old.Length || j < now.Length;)
            if (i < old.Length && j < now.Length && old[i] == now[j])
            {
                told.Add((' ', old[i++]));
                j++;
            }
            else if (i < old.Length && (j == now.Length || common[i + 1, j] >= common[i, j + 1])) told.Add(('-', old[i++]));
            else told.Add(('+', now[j++]));
        return told;
    }
}
