using System.Text;

namespace Strata.Tests;

/// <summary>Keys in the shapes that are hard on an ordered index.</summary>
internal static class KeyShapes
{
    private const int Longest = LogIndexNode.MaxKeyBytes;

    public static byte[][] Make(Random random, int count)
    {
        int shape = random.Next(10);
        byte[] prefix = Bytes(random, random.Next(0, 300)), longPrefix = Bytes(random, Longest - 20);
        var keys = new byte[count][];
        for (int i = 0; i < count; i++) keys[i] = One(random, shape == 9 ? random.Next(9) : shape, prefix, longPrefix, i);
        return keys;
    }

    private static byte[] One(Random random, int shape, byte[] prefix, byte[] longPrefix, int i) => shape switch
    {
        // random bytes of one length, few values, zeros alone, prefixes of each other
        0 => Bytes(random, 16),
        1 => Few(random, random.Next(1, 6)),
        2 => new byte[random.Next(1, Longest + 1)],
        3 => [.. prefix, .. Few(random, random.Next(1, 12))],
        4 => [.. longPrefix.AsSpan(0, random.Next(1, Longest - 20)), .. Few(random, random.Next(0, 21))],
        5 => Encoding.UTF8.GetBytes($"\u0001collection-{random.Next(3)}/{i * 7:D8}"),
        6 => Bytes(random, random.Next(1, Longest + 1)),

        // the longest, of which a node holds one, or many where they share; groups whose separators are as long as they
        7 => Bytes(random, Longest - random.Next(3)),
        _ => Grouped(longPrefix, random.Next(40), Few(random, random.Next(1, 5))),
    };

    private static byte[] Grouped(byte[] longPrefix, int group, byte[] end)
    {
        byte[] key = [.. longPrefix, .. end];
        key[0] = (byte)group;
        return key;
    }

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
