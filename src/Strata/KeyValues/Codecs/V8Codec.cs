using System.Buffers;

namespace Strata;

/// <summary>A type that is one of JavaScript's values.</summary>
/// <param name="name">What is asked for, in messages.</param>
/// <param name="write">The value.</param>
/// <param name="read">What a value is; null (boxed, as the type need not be a class): something else.</param>
internal sealed class V8Codec<T>(string name, Func<T, V8Value> write, Func<V8Value, object?> read) : IKvCodec<T>
{
    public KvEncoding Encoding => KvEncoding.V8;

    public void Write(T value, IBufferWriter<byte> output) => write(value).Write(output);

    public T Read(KvEncoding encoding, ReadOnlySequence<byte> bytes)
    {
        if (encoding != KvEncoding.V8) throw new FormatException($"{name} is asked for, and the value is of encoding {encoding}");
        V8Value value = V8Value.Read(bytes);
        return read(value) is { } found ? (T)found : throw new FormatException($"{name} is asked for, and the value is of kind {value.Kind}");
    }
}
