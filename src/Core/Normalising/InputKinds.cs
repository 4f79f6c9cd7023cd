// The kinds of an input beside what of it was cached.
namespace Purser.Core;

/// <summary>Tokens of an input that are no text: those that were not cached, and the sound and images that were.</summary>
readonly record struct InputKinds(long Audio, long Image, long Video, long CachedAudio, long CachedImage)
{
    /// <summary>
    /// The same of an input that tells what it is and how much of it was cached, and of <paramref name="untold"/> cached tokens not what
    /// they are: where both together are more than the input, the rest was told twice, and was cached.
    /// </summary>
    public InputKinds Within(long input, long ofCache, long untold)
    {
        var over = ofCache + Audio + Image + Video - input;
        if (over <= 0 || over > untold || ofCache > input) return this;
        // The dearest kind was cached last, and of each no more than has to be: what stays at its own rate is the most that it can be, so
        // that no budget is told less than was used.
        var video = Math.Min(over, Video);
        var image = Math.Min(over - video, Image);
        var audio = over - video - image;
        return new(Audio - audio, Image - image, Video - video, CachedAudio + audio, CachedImage + image);
    }
}
