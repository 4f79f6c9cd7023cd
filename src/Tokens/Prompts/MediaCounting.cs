// Sound and moving pictures, by the second; a part of a token is one.
namespace Purser.TokenCounting.Prompts;

static class MediaCounting
{
    // OpenAI: a token for every 100 ms that a user speaks, for every 50 ms that the model does.
    const decimal OpenAIHeard = 10;
    const decimal OpenAISpoken = 20;

    // Google: 32 a second, whoever speaks. Others publish nothing and are taken for the same.
    const decimal GoogleAudio = 32;

    // Google: a frame a second at 258, with its sound and timestamp 263; the third generation 70 a frame and the sound.
    const decimal GoogleVideo = 263;
    const decimal Gemini3Video = 70 + GoogleAudio;

    public static long Audio(ModelProfile model, decimal seconds, bool spokenByModel) =>
        Up(seconds * (model.Family != ModelFamily.OpenAI ? GoogleAudio : spokenByModel ? OpenAISpoken : OpenAIHeard));

    public static long Video(ModelProfile model, decimal seconds) =>
        Up(seconds * (model.Name.StartsWith("gemini-3", StringComparison.Ordinal) ? Gemini3Video : GoogleVideo));

    static long Up(decimal tokens) => (long)decimal.Ceiling(tokens);
}
