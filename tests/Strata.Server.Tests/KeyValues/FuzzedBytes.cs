namespace Strata.Server.Tests;

/// <summary>Hostile bytes from a seed: random ones, and valid messages that were changed here and there.</summary>
internal sealed class FuzzedBytes(int seed, params byte[][] valid)
{
    /// <summary>What parsers of messages stumble over: greatest lengths, ends of groups, numbers without end.</summary>
    private static readonly byte[][] Stumbles =
    [
        [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        [0x0B], [0x0C], [0x00], [0x0A, 0x00], [0x12, 0x00], [0x1A, 0x00], [0x7F], [0x07], [0xFF, 0x0F], "[\"a\",1,{\"int\":1},{\"bytes\":\"00\"}]"u8.ToArray(), "%"u8.ToArray(), "&="u8.ToArray(),
    ];

    private readonly Random _random = new(seed);

    public Random Random => _random;

    /// <summary>The next ones; at most some 64 KiB.</summary>
    public byte[] Next()
    {
        if (_random.Next(4) == 0) return Noise(_random.Next(10) == 0 ? _random.Next(60_000) : _random.Next(200));
        byte[] bytes = valid[_random.Next(valid.Length)];
        for (int i = _random.Next(1, 6); i > 0; i--) bytes = Changed(bytes);
        return bytes;
    }

    private byte[] Changed(byte[] from)
    {
        int at = _random.Next(from.Length + 1), to = _random.Next(at, from.Length + 1);
        switch (_random.Next(7))
        {
            case 0 when from.Length > 0:
                byte[] flipped = [.. from];
                flipped[_random.Next(from.Length)] ^= (byte)(1 << _random.Next(8));
                return flipped;
            case 1:
                return from[..at];
            case 2:
                return [.. from[..at], .. from[to..]];
            case 3:
                return [.. from[..at], .. Stumbles[_random.Next(Stumbles.Length)], .. from[at..]];
            case 4:
                return [.. from[..at], .. Noise(_random.Next(16)), .. from[to..]];
            case 5 when from.Length < 2_000:
                // The same again and again: lists with too much in them.
                return [.. from[..at], .. Enumerable.Repeat(from[at..to], _random.Next(1, 30)).SelectMany(b => b), .. from[to..]];
            default:
                byte[] other = valid[_random.Next(valid.Length)];
                return [.. from[..at], .. other[_random.Next(other.Length + 1)..]];
        }
    }

    private byte[] Noise(int length)
    {
        byte[] bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }
}
