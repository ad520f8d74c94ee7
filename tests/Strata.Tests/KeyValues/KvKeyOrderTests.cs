using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Strata.Tests;

/// <summary>Keys sort as their tuples do, and exactly as Deno's.</summary>
public sealed class KvKeyOrderTests
{
    private static readonly Gen<KvKeyPart> Parts = Gen.OneOf(
        ArbMap.Default.GeneratorFor<byte[]>().Where(b => b is not null).Select(b => (KvKeyPart)b),
        Gen.Elements<byte>(0, 1, 254, 255).ArrayOf().Select(b => (KvKeyPart)b),
        Gen.Elements("", "a", "b", "\0", "é", "\uFFFD", "😀", "\uE000").ArrayOf().Select(s => (KvKeyPart)string.Concat(s)),
        ArbMap.Default.GeneratorFor<long>().Select(i => (KvKeyPart)i),
        Gen.Choose(-300, 300).Select(i => (KvKeyPart)i),
        Gen.Choose(0, 2039).SelectMany(_ => Gen.Choose(-1, 1), (bits, near) => (KvKeyPart)(((BigInteger.One << bits) + near) * (bits % 2 == 0 ? 1 : -1))),
        ArbMap.Default.GeneratorFor<double>().Select(d => (KvKeyPart)d),
        Gen.Elements(0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon).Select(d => (KvKeyPart)d),
        Gen.Constant(KvKeyPart.NegativeNaN),
        ArbMap.Default.GeneratorFor<bool>().Select(b => (KvKeyPart)b));

    private static readonly Arbitrary<KvKeyPart[]> Tuples = Arb.From(Parts.ArrayOf());

    [Fact]
    public void A_key_decodes_to_what_was_encoded() => Prop.ForAll(Tuples, parts =>
    {
        KvKey key = [.. parts];
        return key.IsTuple && key.SequenceEqual(parts) && KvKey.Parse(key.ToString()) == key;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Keys_sort_as_their_tuples_do() => Prop.ForAll(Tuples, Tuples, (left, right) =>
    {
        KvKey l = [.. left], r = [.. right];
        return Math.Sign(l.CompareTo(r)) == Math.Sign(Compare(left, right)) && l.CompareTo(r) == -r.CompareTo(l);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_prefix_selects_what_begins_with_its_parts_and_nothing_else() => Prop.ForAll(Tuples, Tuples, Arb.From(Parts), (prefix, rest, part) =>
    {
        var selector = KvSelector.Prefix([.. prefix]);
        KvKey within = [.. prefix, part, .. rest], other = [part, .. rest];
        bool isSelected = other.Count > prefix.Length && other.Take(prefix.Length).SequenceEqual(prefix);
        return Selects(selector, within) && Selects(selector, other) == isSelected && !Selects(selector, [.. prefix]);

        static bool Selects(KvSelector selector, KvKey key) => new ReadRange(selector.Start, selector.End, 1).Contains(key.Encoded.Span);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Order_and_bytes_of_100_000_random_keys_are_Denos()
    {
        JsonElement vector = DenoVectors.Read("deno-key-order.json")[0];
        IReadOnlyList<KvKeyPart[]> made = DenoVectors.RandomKeys(vector.GetProperty("made").GetInt32());
        KvKey[] keys = [.. made.Select(parts => KvKey.Of(parts)).Distinct().Order()];
        Assert.Equal(vector.GetProperty("distinct").GetInt32(), keys.Length);
        Assert.True(keys.Length >= 100_000);

        // Block by block, so that a difference says where it is.
        int block = vector.GetProperty("block").GetInt32(), at = 0;
        foreach (JsonElement expected in vector.GetProperty("blocks").EnumerateArray())
        {
            string actual = Digest(keys.AsSpan(at, Math.Min(block, keys.Length - at)));
            Assert.True(actual.StartsWith(expected.GetString()!, StringComparison.Ordinal), $"Deno has others than these keys, or in another order: {keys[at]} to {keys[Math.Min(at + block, keys.Length) - 1]}.");
            at += block;
        }

        Assert.Equal(vector.GetProperty("sha256").GetString(), Digest(keys));
    }

    [Fact]
    public void The_text_of_a_key_says_what_Deno_has()
    {
        foreach (JsonElement line in DenoVectors.Read("deno-keys.jsonl"))
        {
            KvKey key = KvKey.Parse(line.GetProperty("key").GetString()!);
            Assert.Equal(line.GetProperty("hex").GetString(), Convert.ToHexStringLower(key.Encoded.Span));
            Assert.Equal(key, KvKey.Parse(KvKey.OfEncoded(key.Encoded).ToString()));
        }
    }

    private static string Digest(ReadOnlySpan<KvKey> keys)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (KvKey key in keys)
        {
            hash.AppendData([(byte)(key.Encoded.Length >> 8), (byte)key.Encoded.Length]);
            hash.AppendData(key.Encoded.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The order as the documentation tells it.</summary>
    private static int Compare(KvKeyPart[] left, KvKeyPart[] right)
    {
        for (int i = 0; i < Math.Min(left.Length, right.Length); i++)
        {
            if (Compare(left[i], right[i]) is not 0 and int difference) return difference;
        }

        return left.Length.CompareTo(right.Length);
    }

    private static int Compare(KvKeyPart left, KvKeyPart right)
    {
        if (left.Kind != right.Kind) return left.Kind.CompareTo(right.Kind);
        return left.Kind switch
        {
            KvKeyPartKind.Bytes => left.AsBytes().Span.SequenceCompareTo(right.AsBytes().Span),
            KvKeyPartKind.String => Encoding.UTF8.GetBytes(left.AsString()).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right.AsString())),
            KvKeyPartKind.Integer => left.AsInteger().CompareTo(right.AsInteger()),
            KvKeyPartKind.Boolean => left.AsBoolean().CompareTo(right.AsBoolean()),
            _ => Compare(left.AsNumber(), right.AsNumber()),
        };
    }

    /// <summary>JavaScript's NaN is greater than all, the one with a sign less; −0 less than 0.</summary>
    private static int Compare(double left, double right)
    {
        if (double.IsNaN(left) || double.IsNaN(right)) return Place(left).CompareTo(Place(right));
        return left == right ? double.IsNegative(right).CompareTo(double.IsNegative(left)) : left.CompareTo(right);

        static int Place(double number) => double.IsNaN(number) ? double.IsNegative(number) ? -1 : 1 : 0;
    }
}
