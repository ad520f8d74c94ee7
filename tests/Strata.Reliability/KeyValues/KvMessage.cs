namespace Strata.Reliability;

/// <summary>Messages of KV Connect, byte by byte.</summary>
internal static class KvMessage
{
    /// <summary>A write of one mutation (field 2): a key (1), a value (2: bytes and encoding), and the kind (3).</summary>
    public static byte[] Write(byte[] key, byte[] value, byte encoding, byte kind)
    {
        byte[] data = [.. Field(1, value), 0x10, encoding];
        byte[] mutation = [.. Field(1, key), .. Field(2, data), 0x18, kind];
        return Field(2, mutation);
    }

    private static byte[] Field(int number, byte[] bytes)
    {
        List<byte> field = [(byte)((number << 3) | 2)];
        uint length = (uint)bytes.Length;
        for (; length >= 0x80; length >>= 7) field.Add((byte)(length | 0x80));
        return [.. field, (byte)length, .. bytes];
    }
}
