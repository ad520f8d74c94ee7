namespace Strata.Benchmarks;

/// <summary>Bytes to store and send: always the same, and not compressible.</summary>
internal static class Payload
{
    public static byte[] Of(int length)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        new Random(20_240_229).NextBytes(bytes);
        return bytes;
    }
}
