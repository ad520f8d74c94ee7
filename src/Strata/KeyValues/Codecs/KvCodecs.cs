using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Strata;

/// <summary>
/// The codec of each type. Those of the default, and what Deno sees: <c>string</c>, <c>bool</c> and <c>double</c> as
/// JavaScript's; <c>int</c>, <c>long</c> and <see cref="BigInteger"/> as <c>bigint</c>; <c>byte[]</c> and
/// <c>ReadOnlyMemory&lt;byte&gt;</c> as <c>Uint8Array</c>; <c>ulong</c> as <c>Deno.KvU64</c>, which sum, min and max count
/// with; <see cref="V8Value"/> as what it is. Other types need a codec, such as a source-generated one of System.Text.Json.
/// </summary>
/// <remarks>JSON is kept as UTF-8 bytes: Deno sees a <c>Uint8Array</c>. No reflection is used.</remarks>
public sealed class KvCodecs
{
    private static readonly Dictionary<Type, object> BuiltIn = new()
    {
        [typeof(byte[])] = new BytesCodec<byte[]>(static value => value ?? throw new ArgumentNullException(nameof(value)), static bytes => bytes.ToArray()),
        [typeof(ReadOnlyMemory<byte>)] = new BytesCodec<ReadOnlyMemory<byte>>(static value => value, static bytes => bytes.IsSingleSegment ? bytes.First : bytes.ToArray()),
        [typeof(ulong)] = new UInt64Codec(),
        [typeof(string)] = new V8Codec<string>("a string", V8Value.Of, static v => v.Kind == V8Kind.String ? v.Text : null),
        [typeof(bool)] = new V8Codec<bool>("a boolean", V8Value.Of, static v => v.Kind == V8Kind.Boolean ? v.Number != 0 : null),
        [typeof(double)] = new V8Codec<double>("a number", V8Value.Of, static v => v.Kind == V8Kind.Number ? v.Number : null),
        [typeof(BigInteger)] = new V8Codec<BigInteger>("an integer", V8Value.Of, static v => IntegerOf(v)),
        [typeof(long)] = new V8Codec<long>("an integer of 64 bits", static i => V8Value.Of((BigInteger)i), static v => IntegerOf(v) is { } i && i >= long.MinValue && i <= long.MaxValue ? (long)i : null),
        [typeof(int)] = new V8Codec<int>("an integer of 32 bits", static i => V8Value.Of((BigInteger)i), static v => IntegerOf(v) is { } i && i >= int.MinValue && i <= int.MaxValue ? (int)i : null),
        [typeof(V8Value)] = new V8Codec<V8Value>("a value", static v => v, static v => v),
    };

    private readonly Dictionary<Type, object> _own;
    private readonly JsonSerializerContext[] _json;
    private readonly ConcurrentDictionary<Type, object> _found = new();

    private KvCodecs(Dictionary<Type, object> own, JsonSerializerContext[] json) => (_own, _json) = (own, json);

    /// <summary>Those of the types named above.</summary>
    public static KvCodecs Default { get; } = new([], []);

    /// <summary>With a codec for a type, instead of one that there is.</summary>
    public KvCodecs With<T>(IKvCodec<T> codec)
    {
        ArgumentNullException.ThrowIfNull(codec);
        return new(new Dictionary<Type, object>(_own) { [typeof(T)] = codec }, _json);
    }

    /// <summary>With a type as JSON.</summary>
    /// <param name="type">Source-generated: <c>MyJson.Default.Person</c>.</param>
    public KvCodecs With<T>(JsonTypeInfo<T> type) => With(new JsonCodec<T>(type));

    /// <summary>With all types that a context knows as JSON, but for those that have a codec.</summary>
    /// <param name="context">Source-generated: <c>MyJson.Default</c>.</param>
    public KvCodecs With(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new(_own, [.. _json, context]);
    }

    /// <summary>The codec of a type.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public IKvCodec<T> Find<T>() => (IKvCodec<T>)(_found.TryGetValue(typeof(T), out object? found) ? found : _found.GetOrAdd(typeof(T), Search<T>()));

    private object Search<T>()
    {
        if (_own.TryGetValue(typeof(T), out object? codec) || BuiltIn.TryGetValue(typeof(T), out codec)) return codec;
        foreach (JsonSerializerContext context in _json)
        {
            if (context.GetTypeInfo(typeof(T)) is JsonTypeInfo<T> type) return new JsonCodec<T>(type);
        }

        throw new ArgumentException($"There is no codec for {typeof(T)}: give KvOptions.Codecs one, or a JsonSerializerContext that knows the type.", nameof(T));
    }

    private static BigInteger? IntegerOf(V8Value value) => value.Kind switch
    {
        V8Kind.Integer => value.Integer,
        V8Kind.Number when double.IsInteger(value.Number) => (BigInteger)value.Number,
        _ => null,
    };
}
