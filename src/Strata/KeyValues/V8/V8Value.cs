using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Strata;

/// <summary>
/// A JavaScript value as V8 serialises it: what Deno keeps in a KV database. Read from versions 13 to 16 of V8's format, and
/// written as version 15, which Deno and Node read.
/// </summary>
/// <remarks>
/// Reading is safe for hostile bytes: depth, number of values and sizes are bounded by what is told at <see cref="Read(ReadOnlyMemory{byte})"/>, and
/// no length that is claimed is believed. <see cref="ToString"/> shows the value as a JavaScript expression.
/// </remarks>
public sealed class V8Value
{
    /// <summary>How deep values may lie within each other.</summary>
    public const int MaxDepth = 100;

    /// <summary>How many values one may hold, itself among them.</summary>
    public const int MaxValues = 1_000_000;

    /// <summary>Bytes of the longest <c>bigint</c>.</summary>
    public const int MaxIntegerBytes = 1 << 16;

    internal V8Value(V8Kind kind) => Kind = kind;

    /// <summary>JavaScript's <c>undefined</c>.</summary>
    public static V8Value Undefined { get; } = new(V8Kind.Undefined);

    /// <summary>JavaScript's <c>null</c>.</summary>
    public static V8Value Null { get; } = new(V8Kind.Null);

    /// <summary>What it is.</summary>
    public V8Kind Kind { get; }

    /// <summary>The number; the milliseconds of a date; 1 for true. 0 of anything else.</summary>
    public double Number { get; internal init; }

    /// <summary>The integer; 0 of anything else.</summary>
    public BigInteger Integer { get; internal init; }

    /// <summary>The string; of <see cref="V8Kind.Other"/>, what it is. Empty for anything else.</summary>
    public string Text { get; internal init; } = "";

    /// <summary>The bytes; empty for anything else.</summary>
    public ReadOnlyMemory<byte> Bytes { get; internal init; }

    /// <summary>Of an array its elements, null where there is a hole; of a set its values; of a map keys and values in turn.</summary>
    public IReadOnlyList<V8Value?> Items => Elements;

    /// <summary>Of an object its properties, in order; of an array, those that are no elements of it.</summary>
    public IReadOnlyList<KeyValuePair<string, V8Value>> Properties => Members;

    /// <summary>The length of an array, which may be greater than that of <see cref="Items"/>: the rest is holes, or among the properties.</summary>
    public long Length { get; internal set; }

    internal List<V8Value?> Elements { get; } = [];

    internal List<KeyValuePair<string, V8Value>> Members { get; } = [];

    /// <summary>A boolean.</summary>
    public static V8Value Of(bool boolean) => new(V8Kind.Boolean) { Number = boolean ? 1 : 0 };

    /// <summary>A number.</summary>
    public static V8Value Of(double number) => new(V8Kind.Number) { Number = number };

    /// <summary>A <c>bigint</c>.</summary>
    public static V8Value Of(BigInteger integer) => new(V8Kind.Integer) { Integer = integer };

    /// <summary>A string; of any UTF-16, as JavaScript's are.</summary>
    public static V8Value Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(V8Kind.String) { Text = text };
    }

    /// <summary>A date, to the millisecond.</summary>
    public static V8Value Of(DateTimeOffset date) => new(V8Kind.Date) { Number = date.ToUnixTimeMilliseconds() };

    /// <summary>A <c>Uint8Array</c>. The bytes are kept, not copied.</summary>
    public static V8Value Of(ReadOnlyMemory<byte> bytes) => new(V8Kind.Bytes) { Bytes = bytes };

    /// <summary>An array.</summary>
    /// <param name="items">Its elements; null is a hole.</param>
    public static V8Value OfArray(params ReadOnlySpan<V8Value?> items) => Collection(V8Kind.Array, items);

    /// <summary>A set.</summary>
    public static V8Value OfSet(params ReadOnlySpan<V8Value> items) => Collection(V8Kind.Set, items!);

    /// <summary>A map.</summary>
    public static V8Value OfMap(params ReadOnlySpan<KeyValuePair<V8Value, V8Value>> entries)
    {
        var map = new V8Value(V8Kind.Map);
        foreach ((V8Value key, V8Value value) in entries) map.Elements.AddRange([key, value]);
        return map;
    }

    /// <summary>An object.</summary>
    public static V8Value OfObject(params ReadOnlySpan<KeyValuePair<string, V8Value>> properties)
    {
        var result = new V8Value(V8Kind.Object);
        result.Members.AddRange(properties);
        return result;
    }

    /// <summary>Reads a value.</summary>
    /// <exception cref="FormatException">
    /// The bytes are no value, or one of an unknown version or kind, or beyond <see cref="MaxDepth"/>, <see cref="MaxValues"/>
    /// or <see cref="MaxIntegerBytes"/>; the message says what, and where.
    /// </exception>
    public static V8Value Read(in ReadOnlySequence<byte> bytes) => Read(bytes.IsSingleSegment ? bytes.First : bytes.ToArray());

    /// <inheritdoc cref="Read(in ReadOnlySequence{byte})"/>
    public static V8Value Read(ReadOnlyMemory<byte> bytes) => new V8Reader(bytes).ReadWhole();

    /// <summary>Reads a value; false if it cannot be read.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out V8Value? value)
    {
        try
        {
            value = Read(bytes);
            return true;
        }
        catch (FormatException)
        {
            value = null;
            return false;
        }
    }

    /// <summary>Writes the value.</summary>
    /// <exception cref="ArgumentException">It holds something of kind <see cref="V8Kind.Other"/>, or lies deeper than <see cref="MaxDepth"/>.</exception>
    public void Write(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        new V8Writer(output).WriteWhole(this);
    }

    /// <summary>The value's bytes.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Write"/>.</exception>
    public byte[] ToBytes()
    {
        var buffer = new ArrayBufferWriter<byte>();
        Write(buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The value as a JavaScript expression; a value within itself as <c>[Circular]</c>. At most about a million characters, then <c>…</c>.</summary>
    public override string ToString() => V8Display.Of(this);

    private static V8Value Collection(V8Kind kind, ReadOnlySpan<V8Value?> items)
    {
        var result = new V8Value(kind) { Length = items.Length };
        result.Elements.AddRange(items);
        return result;
    }
}
