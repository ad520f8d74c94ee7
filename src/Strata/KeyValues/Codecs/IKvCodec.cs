using System.Buffers;

namespace Strata;

/// <summary>Turns values of a type into bytes and back. Safe for any number of callers at once.</summary>
/// <typeparam name="T">The type.</typeparam>
public interface IKvCodec<T>
{
    /// <summary>What the bytes are that it writes: one of the three, and for <see cref="KvEncoding.Le64"/> 8 bytes.</summary>
    KvEncoding Encoding { get; }

    /// <summary>Writes a value.</summary>
    void Write(T value, IBufferWriter<byte> output);

    /// <summary>Reads a value. The bytes never change, and may be kept.</summary>
    /// <param name="encoding">What the bytes are: of whatever kind the key holds.</param>
    /// <param name="bytes">All of them, however they were kept.</param>
    /// <exception cref="FormatException">They are no value of the type; the message says why.</exception>
    T Read(KvEncoding encoding, ReadOnlySequence<byte> bytes);
}
