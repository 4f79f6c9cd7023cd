// What an image costs, by its size, after each provider's published formula.
namespace Purser.TokenCounting.Prompts;

abstract record ImageRule
{
    public abstract long Count(ImagePart image);

    public static ImageRule Of(ModelProfile model) => model.Family switch
    {
        ModelFamily.OpenAI => OfOpenAI(model.Name),
        ModelFamily.Anthropic => ModelProfile.HasNewClaudeTokenizer(model.Name) ? new AreaRule(2576, 4784) : new AreaRule(1568, 1600),
        ModelFamily.Google => model.Name.StartsWith("gemini-3", StringComparison.Ordinal) ? new ResolutionRule(280, 1120) : new CropRule(),
        _ => new AreaRule(1568, 1600),
    };

    static ImageRule OfOpenAI(string name)
    {
        bool Is(params ReadOnlySpan<string> families)
        {
            foreach (var family in families)
                if (ModelName.Is(name, family))
                    return true;
            return false;
        }
        if (Is("gpt-4.1-mini", "gpt-5-mini")) return new PatchRule(162);
        if (Is("gpt-4.1-nano", "gpt-5-nano")) return new PatchRule(246);
        if (Is("o4-mini")) return new PatchRule(172);
        if (Is("gpt-4o-mini")) return new TileRule(2833, 5667);
        if (Is("gpt-5")) return new TileRule(70, 140);
        return ModelName.IsReasoningSeries(name) ? new TileRule(75, 150) : new TileRule(85, 170);
    }
}

/// <summary>
/// OpenAI's tiles: shrunk into 2048 x 2048, then until the shorter side is 768; a price for each tile of 512 x 512 and one for the image.
/// At low detail only the latter.
/// </summary>
sealed record TileRule(int Image, int Tile) : ImageRule
{
    // A strip that is 2048 long and 768 wide.
    const int MostTiles = 4 * 2;

    public override long Count(ImagePart image)
    {
        if (image.Detail == ImageDetail.Low) return Image;
        if (image is not { Width: { } width, Height: { } height }) return Image + MostTiles * Tile;
        var (longer, shorter) = ((decimal)Math.Max(width, height), (decimal)Math.Min(width, height));
        // Products before quotients: 4096 x 3 tiles must not become 12 and a bit.
        if (longer > 2048) (longer, shorter) = (2048, shorter * 2048 / longer);
        if (shorter > 768) (longer, shorter) = (longer * 768 / shorter, 768);
        return Image + Tiles(longer) * Tiles(shorter) * Tile;
    }

    static long Tiles(decimal side) => (long)decimal.Ceiling(decimal.Round(side, 9) / 512);
}

/// <summary>OpenAI's patches of 32 x 32, shrunk to at most 1536 of them, times the model's factor (in hundredths).</summary>
sealed record PatchRule(int Percent) : ImageRule
{
    const int Side = 32;
    const int Most = 1536;

    // An image of 256 x 256 at low detail.
    const int Low = 64;

    public override long Count(ImagePart image)
    {
        var patches = image switch
        {
            { Detail: ImageDetail.Low } => Low,
            { Width: { } width, Height: { } height } => Patches(width, height),
            _ => Most,
        };
        return (patches * Percent + 99) / 100;
    }

    static long Patches(int width, int height)
    {
        var (across, down) = (width / (double)Side, height / (double)Side);
        if (Up(across) * Up(down) > Most)
        {
            // Until the area fits, then until one side is whole patches.
            var shrunk = Math.Sqrt(Most / (across * down));
            var whole = Math.Min(Down(across * shrunk) / (across * shrunk), Down(down * shrunk) / (down * shrunk));
            // A strip one patch high can not be shrunk to less than one.
            if (whole > 0) (across, down) = (across * shrunk * whole, down * shrunk * whole);
        }
        return Math.Clamp(Up(across) * Up(down), 1, Most);
    }

    // What should be whole and misses it by the error of the square root is whole.
    const double Error = 1e-9;

    static long Up(double patches) => (long)Math.Ceiling(patches - Error);

    static long Down(double patches) => (long)Math.Floor(patches + Error);
}

/// <summary>Anthropic: a token for 750 pixels, shrunk until the longer side and the count fit.</summary>
sealed record AreaRule(int LongestSide, int Most) : ImageRule
{
    const int PixelsPerToken = 750;

    public override long Count(ImagePart image)
    {
        if (image is not { Width: { } width, Height: { } height }) return Most;
        var (longer, shorter) = ((decimal)Math.Max(width, height), (decimal)Math.Min(width, height));
        if (longer > LongestSide) (longer, shorter) = (LongestSide, shorter * LongestSide / longer);
        return Math.Clamp((long)decimal.Ceiling(longer * shorter / PixelsPerToken), 1, Most);
    }
}

/// <summary>Google before the third generation: 258 for a small image, and for each crop of a larger one.</summary>
sealed record CropRule : ImageRule
{
    const int PerCrop = 258;
    const int Small = 384;

    public override long Count(ImagePart image)
    {
        // Without a size, and at low detail, it is one crop: the whole image, shrunk.
        if (image is not { Width: { } width, Height: { } height, Detail: not ImageDetail.Low } || (width <= Small && height <= Small))
            return PerCrop;
        // The side of a crop: two thirds of the shorter side, within what the model takes.
        var side = Math.Clamp(Math.Min(width, height) * 2L / 3, 256, 768);
        return (width + side - 1) / side * ((height + side - 1) / side) * PerCrop;
    }
}

/// <summary>Google since the third generation: a price for the resolution asked for, whatever the size.</summary>
sealed record ResolutionRule(int Low, int High) : ImageRule
{
    public override long Count(ImagePart image) => image.Detail == ImageDetail.Low ? Low : High;
}
