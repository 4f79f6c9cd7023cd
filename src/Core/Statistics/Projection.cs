// What is still to come until the end of a window: every hour that is left is expected to be like the same hours of the last weeks, moved
// a little by how the last week went. The interval comes from how wrong such projections of the same length would have been before.
namespace Purser.Core.Statistics;

/// <summary>An 80 % interval around the point.</summary>
public readonly record struct ProjectedRest(double Point, double Low, double High)
{
    /// <summary>Whether the weeks before were so unlike each other that the interval says little.</summary>
    public bool IsBursty { get; init; }
}

public static class Projection
{
    /// <summary>The furthest back that hours count; older ones need not be given.</summary>
    public const int HoursOfPast = Weeks * Week + Week;

    /// <summary>Two days: less has no shape, and one day could be any day.</summary>
    public const int LeastHours = 48;

    const int Week = 168, Weeks = 8;

    // Measured on long public series (docs/anomalies.md).
    /// <summary>How much less a week counts than the one after it.</summary>
    const double WeekFade = 0.85;

    /// <summary>How far the last week's surprise is carried on: a quarter of it, as a logarithm.</summary>
    const double LevelCarried = 0.25;
    const double MostLevel = 3;

    /// <summary>Share of the earlier errors that the interval spans, and what an error is taken for while few are known.</summary>
    const double Covered = 0.78, UnknownError = 0.25, UnknownWeight = 1, LeastError = 0.01;

    /// <summary>Weeks are unlike each other where the logarithm of how much one changes to the next scatters by more than this: by a factor
    /// of 1.6. Then no interval is narrower than that factor either way.</summary>
    const double BurstyChange = 0.5;
    const double LeastKnownShare = 0.95;
    const int LeastTrials = 3, MostTrials = 20, HoursBetweenTrials = 48, LongestTrial = 4 * Week;

    /// <summary>
    /// The amount in the hours from <paramref name="now"/> (a number of hours since 1970, with a fraction) until <paramref name="end"/>.
    /// Null where too little is known. <paramref name="past"/> knows complete hours from <paramref name="first"/> on.
    /// </summary>
    public static ProjectedRest? Rest(HourlyPast past, long first, double now, double end)
    {
        var current = (long)Math.Floor(now);
        first = Math.Max(first, current - HoursOfPast);
        if (current - first < LeastHours || end <= now) return end <= now ? new(0, 0, 0) : null;
        var known = new KnownHours(past, first, current);
        var point = known.Expect(current, now, end);
        var error = known.ErrorOver((long)Math.Clamp(Math.Ceiling(end - now), 1, LongestTrial));
        var isBursty = known.IsBursty();
        if (isBursty) error = Math.Max(error, BurstyChange);
        // What comes can be far less than thought, down to nothing, and more by as large a factor, within reason.
        return new(point, point * Math.Exp(-Math.Min(2.5, error)), point * Math.Exp(Math.Min(1, error))) { IsBursty = isBursty };
    }

    /// <summary>When an amount will have been used (in hours since 1970), if that is before <paramref name="end"/>; null where it is not,
    /// or too little is known.</summary>
    public static double? WhenReached(HourlyPast past, long first, double now, double amount, double end)
    {
        var current = (long)Math.Floor(now);
        first = Math.Max(first, current - HoursOfPast);
        if (current - first < LeastHours) return null;
        return new KnownHours(past, first, current).WhenReached(current, now, amount, end);
    }

    /// <summary>The hours of the past in one array.</summary>
    sealed class KnownHours
    {
        readonly long first;
        readonly double[] values;

        public KnownHours(HourlyPast past, long first, long end)
        {
            this.first = first;
            values = new double[end - first];
            for (var i = 0; i < values.Length; i++) values[i] = past(first + i);
        }

        double At(long hour) => hour < first || hour >= first + values.Length ? double.NaN : values[hour - first];

        /// <summary>What each hour of the week would bring, seen from the start of an hour.</summary>
        double[] Profile(long from)
        {
            var profile = new double[Week];
            var (sum, hours) = (0.0, 0);
            for (var back = 1; back <= Week; back++)
                if (At(from - back) is var value && !double.IsNaN(value)) (sum, hours) = (sum + value, hours + 1);
            var usual = hours == 0 ? 0 : sum / hours;
            for (var ahead = 0; ahead < Week; ahead++)
            {
                var (up, down, weight) = (0.0, 0.0, 1.0);
                for (var week = 1; week <= Weeks; week++, weight *= WeekFade)
                    if (At(from + ahead - week * Week) is var value && !double.IsNaN(value))
                        (up, down) = (up + weight * value, down + weight);
                // Before there is a whole week: the same hour of any day.
                for (var day = 1; down == 0 && day <= 7; day++) SameHour(from + ahead - Week - (day - 1) * 24, 1);
                if (down == 0)
                    for (var hour = from - 24 + (ahead % 24); hour >= first && hour > from - Week; hour -= 24) SameHour(hour, 1);
                profile[(from + ahead) % Week] = down == 0 ? usual : up / down;

                void SameHour(long hour, double weigh)
                {
                    if (At(hour) is var value && !double.IsNaN(value)) (up, down) = (up + weigh * value, down + weigh);
                }
            }
            return profile;
        }

        /// <summary>The amount in [now, end), known before the hour <paramref name="from"/>.</summary>
        public double Expect(long from, double now, double end)
        {
            var profile = Profile(from);
            var sum = 0.0;
            for (var hour = (long)Math.Floor(now); hour < end; hour++)
                sum += profile[hour % Week] * (Math.Min(end, hour + 1) - Math.Max(now, hour));
            return sum * Level(from);
        }

        public double? WhenReached(long from, double now, double amount, double end)
        {
            var profile = Profile(from);
            var level = Level(from);
            for (var hour = (long)Math.Floor(now); hour < end; hour++)
            {
                var start = Math.Max(now, hour);
                var used = profile[hour % Week] * level * (Math.Min(end, hour + 1) - start);
                if (used >= amount && used > 0) return start + (Math.Min(end, hour + 1) - start) * amount / used;
                amount -= used;
            }
            return null;
        }

        double Level(long from)
        {
            if (from - 2 * Week < first) return 1;
            var before = Profile(from - Week);
            var (was, got) = (0.0, 0.0);
            for (var hour = from - Week; hour < from; hour++)
                if (At(hour) is var value && !double.IsNaN(value)) (was, got) = (was + before[hour % Week], got + value);
            return was > 0 && got > 0 ? Math.Pow(Math.Clamp(got / was, 1 / MostLevel, MostLevel), LevelCarried) : 1;
        }

        /// <summary>How wrong projections over so many hours were, as a logarithm: the error that most of them did not exceed.</summary>
        public double ErrorOver(long hours)
        {
            var errors = new List<double>();
            for (var trial = 0; trial < MostTrials; trial++)
            {
                var from = first + values.Length - hours - trial * HoursBetweenTrials;
                if (from - LeastHours < first) break;
                var (expected, got, gaps) = (Expect(from, from, from + hours), 0.0, 0);
                for (var hour = from; hour < from + hours; hour++)
                    if (At(hour) is var value && !double.IsNaN(value)) got += value;
                    else gaps++;
                if (expected > 0 && got > 0 && gaps < hours / 20 + 1) errors.Add(Math.Abs(Math.Log(got / expected)));
            }
            if (errors.Count < LeastTrials) return UnknownError;
            errors.Sort();
            var place = Math.Min(errors.Count - 1.0, Covered * (errors.Count + 1) - 1);
            var below = (int)place;
            var own = errors[below] + (errors[Math.Min(errors.Count - 1, below + 1)] - errors[below]) * (place - below);
            // Trials that overlap say little more than one: what is unknown counts by how many there are side by side. Where there is
            // hardly room for two, as at the beginning of a month, the error of the last weeks still says more than nothing known.
            var apart = Math.Max(LeastTrials, Math.Min(errors.Count, (values.Length - hours) / (double)hours));
            return (apart * Math.Max(LeastError, own) + UnknownWeight * UnknownError) / (apart + UnknownWeight);
        }

        /// <summary>By the last whole weeks, of which there must be three.</summary>
        public bool IsBursty()
        {
            var (changes, later) = (new List<double>(), double.NaN);
            for (var start = first + values.Length - Week; start >= first; start -= Week)
            {
                var (sum, known) = (0.0, 0);
                for (var hour = start; hour < start + Week; hour++)
                    if (At(hour) is var value && !double.IsNaN(value)) (sum, known) = (sum + value, known + 1);
                if (known < LeastKnownShare * Week) break;
                // From nothing, and to nothing, is a change beyond all.
                if (!double.IsNaN(later) && (sum > 0 || later > 0))
                    changes.Add(sum > 0 && later > 0 ? Math.Log(later / sum) : double.PositiveInfinity);
                later = sum;
            }
            if (changes.Count < 2) return false;
            if (changes.Exists(double.IsInfinity)) return true;
            var mean = changes.Average();
            return changes.Average(change => (change - mean) * (change - mean)) > BurstyChange * BurstyChange;
        }
    }
}
