using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Strata.Tests;

/// <summary>What the real Deno said, committed in <c>Vectors</c>, and the random keys that it was asked about (<c>generate.ts</c>).</summary>
internal sealed class DenoVectors
{
    private static readonly double[] Specials = [0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, -double.Epsilon, double.MaxValue, double.MinValue, Math.Pow(2, -52), 0.1, -1.5];
    private static readonly string[] Words = ["", "a", "b", "users", "é"];
    private uint _state = 2026;

    private DenoVectors()
    {
    }

    /// <summary>The random keys, in the order in which they were made; some are equal.</summary>
    public static IReadOnlyList<KvKeyPart[]> RandomKeys(int count)
    {
        var vectors = new DenoVectors();
        return [.. Enumerable.Range(0, count).Select(_ => vectors.Key())];
    }

    /// <summary>The lines of a file.</summary>
    public static IReadOnlyList<JsonElement> Read(string name) =>
        [.. File.ReadLines(Path.Combine(Repository.Root, "tests", "Strata.Tests", "KeyValues", "Vectors", name)).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    public static byte[] Hex(JsonElement line, string property = "hex") => Convert.FromHexString(line.GetProperty(property).GetString()!);

    private uint Below(uint n)
    {
        _state = unchecked((_state * 1664525) + 1013904223);
        return (_state >> 8) % n;
    }

    private byte[] Bytes(uint length)
    {
        byte[] result = new byte[length];
        for (int i = 0; i < result.Length; i++) result[i] = Below(4) == 0 ? new byte[] { 0, 255, 1, 254 }[Below(4)] : (byte)Below(256);
        return result;
    }

    private string Text()
    {
        var text = new StringBuilder();
        for (uint i = Below(8); i > 0; i--)
        {
            text.Append(new Rune(Below(6) switch
            {
                0 => 0,
                1 => 0x61 + Below(3),
                2 => 0x20 + Below(95),
                3 => 0xA0 + Below(0x700),
                4 => 0xE000 + Below(0x1FFE),
                _ => 0x10000 + Below(0x100000),
            }).ToString());
        }

        return text.ToString();
    }

    private BigInteger Magnitude(uint length) => new(Bytes(length), isUnsigned: true, isBigEndian: true);

    private BigInteger Integer()
    {
        uint kind = Below(4);
        if (kind == 0) return (int)Below(512) - 256;
        BigInteger magnitude = kind switch
        {
            1 => BigInteger.Pow(256, (int)Below(10)) + ((int)Below(3) - 1),
            2 => Magnitude(Below(20)),
            _ => Magnitude(Below(50) == 0 ? 255 : 1 + Below(40)),
        };
        return Below(2) == 0 ? magnitude : -magnitude;
    }

    private KvKeyPart Double() => Below(3) switch
    {
        0 => (double)((int)Below(200) - 100),
        1 => Specials[Below((uint)Specials.Length)],
        _ => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8)) is var number && double.IsNaN(number) && double.IsNegative(number) ? KvKeyPart.NegativeNaN : number,
    };

    private KvKeyPart Part() => Below(6) switch
    {
        0 => Bytes(Below(12)),
        1 => Text(),
        2 => Words[Below(5)],
        3 => Integer(),
        4 => Double(),
        _ => Below(2) == 1,
    };

    private KvKeyPart[] Key()
    {
        uint more = Below(4);
        var parts = new KvKeyPart[more + 1];
        for (int i = 0; i < parts.Length; i++) parts[i] = Part();
        return parts;
    }
}
