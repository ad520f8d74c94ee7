using System.Text;

namespace Strata.Tests;

/// <summary>Keys in the shapes that are hard on an ordered index.</summary>
internal static class KeyShapes
{
    public static byte[][] Make(Random random, int count)
    {
        int shape = random.Next(8);
        byte[] prefix = Bytes(random, random.Next(0, 300)), longPrefix = Bytes(random, 1_080);
        var keys = new byte[count][];
        for (int i = 0; i < count; i++) keys[i] = One(random, shape == 7 ? random.Next(7) : shape, prefix, longPrefix, i);
        return keys;
    }

    private static byte[] One(Random random, int shape, byte[] prefix, byte[] longPrefix, int i) => shape switch
    {
        // random bytes of one length, few values, zeros alone, prefixes of each other
        0 => Bytes(random, 16),
        1 => Few(random, random.Next(1, 6)),
        2 => new byte[random.Next(1, 1_100)],
        3 => [.. prefix, .. Few(random, random.Next(1, 12))],
        4 => [.. longPrefix.AsSpan(0, random.Next(1, 1_080)), .. Few(random, random.Next(0, 20))],
        5 => Encoding.UTF8.GetBytes($"\u0001collection-{random.Next(3)}/{i * 7:D8}"),
        _ => Bytes(random, random.Next(1, 1_101)),
    };

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Few(Random random, int length)
    {
        var bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte)(random.Next(3) switch { 0 => 0, 1 => 1, _ => 255 });
        return bytes;
    }
}
