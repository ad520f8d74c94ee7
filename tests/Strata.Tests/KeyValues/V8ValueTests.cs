using System.Buffers;
using System.Numerics;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Strata.Tests;

public sealed class V8ValueTests
{
    [Fact]
    public void What_Deno_wrote_is_read_shown_and_written_again_as_it_was()
    {
        foreach (JsonElement line in DenoVectors.Read("deno-values.jsonl"))
        {
            string expression = line.GetProperty("value").GetString()!;
            byte[] bytes = DenoVectors.Hex(line);
            V8Value value = V8Value.Read(bytes);
            Assert.Equal(expression, value.ToString());
            byte[] written = value.ToBytes();
            Assert.Equal(15, written[1]);
            written[1] = bytes[1];
            Assert.Equal((expression, Convert.ToHexStringLower(bytes)), (expression, Convert.ToHexStringLower(written)));
        }
    }

    [Theory]
    [InlineData("cycle", """{"name": "cycle", "self": [Circular]}""")]
    [InlineData("shared", "[[1], [1]]")]
    [InlineData("array with a property", """Object.assign([1], {"x": 2})""")]
    [InlineData("boxed", """[Object(1), Object(true), Object("s"), Object(5n)]""")]
    [InlineData("regular expression", "/a+/gi")]
    [InlineData("error", """new TypeError("bad")""")]
    [InlineData("views", "[new Int8Array([-1]), new Uint16Array([1, 2]), new Float64Array([1.5]), new BigInt64Array([-1n]), new DataView(new Uint8Array([0, 0]).buffer)]")]
    [InlineData("buffer", """{"buffer": new Uint8Array([1, 2]).buffer}""")]
    [InlineData("clamped", "[new Uint8ClampedArray([9])]")]
    [InlineData("floats", "[new Float32Array([0.5]), new Uint32Array([7]), new Int32Array([-7]), new Int16Array([-3]), new BigUint64Array([8n])]")]
    public void Rarer_values_of_Deno_are_shown(string name, string expression)
    {
        JsonElement line = DenoVectors.Read("deno-shapes.jsonl").Single(l => l.GetProperty("value").GetString() == name);
        Assert.Equal(expression, V8Value.Read(DenoVectors.Hex(line)).ToString());
    }

    [Fact]
    public void A_sparse_array_is_as_long_as_it_says()
    {
        JsonElement line = DenoVectors.Read("deno-shapes.jsonl").Single(l => l.GetProperty("value").GetString() == "sparse");
        V8Value array = V8Value.Read(DenoVectors.Hex(line));
        Assert.Equal(1_000, array.Length);
        Assert.Equal(1, array.Items[500]!.Number);
        Assert.Equal(999, array.Items.Count(i => i is null));
        Assert.Equal(DenoVectors.Hex(line)[2..], array.ToBytes()[2..]);
    }

    [Fact]
    public void A_cycle_is_written_as_one()
    {
        byte[] cycle = DenoVectors.Hex(DenoVectors.Read("deno-shapes.jsonl").Single(l => l.GetProperty("value").GetString() == "cycle"));
        Assert.Equal(cycle[2..], V8Value.Read(cycle).ToBytes()[2..]);
        byte[] shared = DenoVectors.Hex(DenoVectors.Read("deno-shapes.jsonl").Single(l => l.GetProperty("value").GetString() == "shared"));
        Assert.Equal(shared[2..], V8Value.Read(shared).ToBytes()[2..]);
    }

    [Theory]
    [InlineData("", "end too early")]
    [InlineData("00", "do not begin with a version")]
    [InlineData("ff0c30", "version 12")]
    [InlineData("ff1130", "version 17")]
    [InlineData("ff10", "end too early")]
    [InlineData("ff103030", "something follows")]
    [InlineData("ff1001", "tag 0x01 is unknown")]
    [InlineData("ff105c", "tag 0x5c is unknown")]
    [InlineData("ff102d", "hole outside")]
    [InlineData("ff105e00", "no value 0")]
    [InlineData("ff1022ffffffff0f", "end too early")]
    [InlineData("ff1022ffffffff7f", "more than 32 bits")]
    [InlineData("ff1022ffffffffff00", "more than 32 bits")]
    [InlineData("ff10630100", "a string is expected")]
    [InlineData("ff10630161", "a string is expected")]
    [InlineData("ff1041ffffffff0f240000", "longer than the bytes")]
    [InlineData("ff106f22016149027b02", "number of properties")]
    [InlineData("ff106f2701", "tag 0x01 is unknown")]
    [InlineData("ff106f5449027b01", "name of a property")]
    [InlineData("ff103b49023a01", "a map ends after a key")]
    [InlineData("ff10274902 2c02", "number of items")]
    [InlineData("ff10410149022400 02", "length of an array")]
    [InlineData("ff105a918008", "more than 65536 bytes")]
    [InlineData("ff1042 01 00 56 42 01 01 00", "outside of its buffer")]
    [InlineData("ff1042 01 00 56 21 00 01 00", "view 0x21 is unknown")]
    [InlineData("ff1072 21", "part of an error")]
    public void Bytes_that_are_no_value_are_refused_with_their_reason(string hex, string reason)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        Assert.Contains(reason, Assert.Throws<FormatException>(() => V8Value.Read(bytes)).Message, StringComparison.Ordinal);
        Assert.False(V8Value.TryRead(bytes, out _));
    }

    [Fact]
    public void Depth_and_number_of_values_are_bounded()
    {
        byte[] deep = [0xFF, 16, .. Enumerable.Repeat(new byte[] { (byte)'A', 1 }, 100_000).SelectMany(b => b)];
        Assert.Contains("deeper than 100", Assert.Throws<FormatException>(() => V8Value.Read(deep)).Message, StringComparison.Ordinal);
        byte[] many = [0xFF, 16, (byte)'\'', .. Enumerable.Repeat((byte)'0', V8Value.MaxValues + 1)];
        Assert.Contains("more than 1000000", Assert.Throws<FormatException>(() => V8Value.Read(many)).Message, StringComparison.Ordinal);
        V8Value nested = V8Value.OfArray();
        for (int i = 0; i < 101; i++) nested = V8Value.OfArray(nested);
        Assert.Throws<ArgumentException>(() => nested.ToBytes());
    }

    [Fact]
    public void A_sparse_array_that_claims_billions_takes_no_memory()
    {
        V8Value array = V8Value.Read(Convert.FromHexString("ff1061ffffffff0f4000ffffffff0f"));
        Assert.Equal(uint.MaxValue, array.Length);
        Assert.Equal("new Array(4294967295)", array.ToString());
    }

    [Fact]
    public void A_text_is_bounded_however_often_a_value_refers_to_others()
    {
        V8Value value = V8Value.Of("ha");
        for (int i = 0; i < 60; i++) value = V8Value.OfArray(value, value);
        string text = V8Value.Read(value.ToBytes()).ToString();
        Assert.InRange(text.Length, 1 << 20, (1 << 20) + 1_000);
        Assert.EndsWith("…", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_misleads_no_terminal() =>
        Assert.Equal("\"\\u001b[31m\\u202e\\u0085\"", V8Value.Of("\u001b[31m\u202e\u0085").ToString());

    [Fact]
    public void What_is_only_shown_cannot_be_written()
    {
        byte[] expression = DenoVectors.Hex(DenoVectors.Read("deno-shapes.jsonl").Single(l => l.GetProperty("value").GetString() == "regular expression"));
        Assert.Contains("/a+/gi", Assert.Throws<ArgumentException>(() => V8Value.Read(expression).ToBytes()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_several_pieces_are_read()
    {
        byte[] bytes = V8Value.OfObject(new("name", V8Value.Of("é")), new("at", V8Value.Of(DateTimeOffset.UnixEpoch))).ToBytes();
        var first = new Piece(bytes.AsMemory(0, 3));
        Piece last = first.Then(bytes.AsMemory(3));
        Assert.Equal("""{"name": "é", "at": new Date("1970-01-01T00:00:00.000Z")}""", V8Value.Read(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length)).ToString());
    }

    [Fact]
    public void Whatever_is_done_to_the_bytes_of_a_value_it_is_read_or_refused()
    {
        byte[][] known = [.. DenoVectors.Read("deno-values.jsonl").Concat(DenoVectors.Read("deno-shapes.jsonl")).Select(line => DenoVectors.Hex(line))];
        Prop.ForAll(Arb.From(Gen.Elements(known)), Arb.From(Gen.Choose(0, 200)), Arb.From(Gen.Choose(0, 255)), (bytes, at, value) =>
        {
            byte[] changed = [.. bytes];
            changed[at % changed.Length] = (byte)value;
            if (V8Value.TryRead(changed, out V8Value? read)) Assert.NotEqual("", read.ToString());
            return !V8Value.TryRead(bytes.AsMemory(0, at % bytes.Length), out _);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
    }

    [Fact]
    public void Numbers_and_integers_read_back() => Prop.ForAll<double, long>((number, integer) =>
    {
        BigInteger large = BigInteger.Pow(integer, 9);
        return V8Value.Read(V8Value.Of(number).ToBytes()).Number.Equals(number) && V8Value.Read(V8Value.Of(large).ToBytes()).Integer == large
            && double.Parse(V8Display.Of(number)).Equals(number);
    }).QuickCheckThrowOnFailure();

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Piece Then(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
