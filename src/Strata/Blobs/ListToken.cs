using System.Buffers.Binary;
using System.Buffers.Text;
using System.Numerics;
using System.Text;

namespace Strata;

/// <summary>
/// A page token: the last key or prefix emitted, sealed with a checksum of the request, so that it cannot continue
/// another listing (CONSISTENCY 9). A key present throughout a listing appears exactly once.
/// </summary>
public static class ListToken
{
    private const byte Format = 1;

    /// <summary>The token for the page behind <paramref name="last"/>.</summary>
    public static string Encode(string last, ListRequest request)
    {
        byte[] token = new byte[5 + Encoding.UTF8.GetByteCount(last)];
        token[0] = Format;
        Encoding.UTF8.GetBytes(last, token.AsSpan(5));
        BinaryPrimitives.WriteUInt32LittleEndian(token.AsSpan(1), Seal(token.AsSpan(5), request));
        return Base64Url.EncodeToString(token);
    }

    /// <summary>The last key or prefix emitted.</summary>
    /// <exception cref="ArgumentException">The token is damaged, or belongs to another request.</exception>
    public static string Decode(string token, ListRequest request)
    {
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(token);
        }
        catch (FormatException)
        {
            throw Invalid();
        }

        if (bytes.Length < 5 || bytes[0] != Format || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(1)) != Seal(bytes.AsSpan(5), request)) throw Invalid();
        return Encoding.UTF8.GetString(bytes, 5, bytes.Length - 5);
    }

    private static uint Seal(ReadOnlySpan<byte> last, ListRequest request)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in last) crc = BitOperations.Crc32C(crc, b);
        crc = BitOperations.Crc32C(crc, (byte)0xFF);
        foreach (char c in request.Prefix) crc = BitOperations.Crc32C(crc, c);
        crc = BitOperations.Crc32C(crc, (byte)0xFF);
        foreach (char c in request.Delimiter ?? "") crc = BitOperations.Crc32C(crc, c);
        return ~crc;
    }

    private static ArgumentException Invalid() => new("The page token is damaged or belongs to a listing with another prefix or delimiter.");
}
