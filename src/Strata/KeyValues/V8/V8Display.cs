using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Strata;

/// <summary>Shows values as JavaScript expressions; see <see cref="V8Value.ToString"/>.</summary>
internal sealed class V8Display
{
    /// <summary>A value of few bytes can refer to itself so often that its text has no end.</summary>
    private const int MaxChars = 1 << 20;

    private readonly StringBuilder _text = new();
    private readonly HashSet<V8Value> _within = new(ReferenceEqualityComparer.Instance);
    private readonly int _mostChars;

    private V8Display(int mostChars) => _mostChars = mostChars;

    private bool IsFull => _text.Length >= _mostChars;

    /// <summary>The value's text; of one that has more characters than asked for at least so many of them, then <c>…</c>.</summary>
    public static string Of(V8Value value, int mostChars = MaxChars)
    {
        var display = new V8Display(Math.Min(mostChars, MaxChars));
        display.Append(value);
        return display.IsFull ? $"{display._text}…" : display._text.ToString();
    }

    /// <summary>A number as JavaScript shows it (ECMA-262, Number::toString), but for −0, which it shows as 0.</summary>
    public static string Of(double number)
    {
        if (number == 0) return double.IsNegative(number) ? "-0" : "0";
        if (!double.IsFinite(number)) return double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";
        string[] shortest = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Split('E');
        string whole = shortest[0].Split('.')[0], digits = shortest[0].Replace(".", "", StringComparison.Ordinal);
        int point = whole.Length + (shortest.Length > 1 ? int.Parse(shortest[1], CultureInfo.InvariantCulture) : 0);
        point -= digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        string text = point switch
        {
            <= 21 when digits.Length <= point => digits.PadRight(point, '0'),
            > 0 and <= 21 => $"{digits[..point]}.{digits[point..]}",
            > -6 and <= 0 => $"0.{new string('0', -point)}{digits}",
            _ => $"{digits[0]}{(digits.Length > 1 ? "." : "")}{digits[1..]}e{(point > 0 ? "+" : "-")}{Math.Abs(point - 1)}",
        };
        return number < 0 ? $"-{text}" : text;
    }

    /// <summary>What would end a string, or mislead a terminal, as escapes.</summary>
    public static string Escaped(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])) result.Append(c).Append(text[++i]);
            else if (c is '\n') result.Append("\\n");
            else if (c is '\r') result.Append("\\r");
            else if (c is '\t') result.Append("\\t");
            else if (char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator) result.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else result.Append(c);
        }

        return result.ToString();
    }

    /// <summary>A string of JavaScript, which JSON has as well.</summary>
    public static string Quoted(string text) => $"\"{Escaped(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))}\"";

    private void Append(V8Value value)
    {
        if (IsFull) return;
        switch (value.Kind)
        {
            case V8Kind.Undefined:
                _text.Append("undefined");
                break;
            case V8Kind.Null:
                _text.Append("null");
                break;
            case V8Kind.Boolean:
                _text.Append(value.Number != 0 ? "true" : "false");
                break;
            case V8Kind.Number:
                _text.Append(Of(value.Number));
                break;
            case V8Kind.Integer:
                _text.Append(value.Integer.ToString(CultureInfo.InvariantCulture)).Append('n');
                break;
            case V8Kind.String:
                AppendString(value.Text);
                break;
            case V8Kind.Date:
                AppendDate(value.Number);
                break;
            case V8Kind.Bytes:
                AppendNumbers("Uint8Array", value.Bytes.Span, 1, static b => b[0].ToString(CultureInfo.InvariantCulture));
                break;
            case V8Kind.Other when value.Bytes.IsEmpty && !value.Text.EndsWith("Array", StringComparison.Ordinal):
                _text.Append(value.Text is "ArrayBuffer" ? "new Uint8Array([]).buffer" : value.Text is "DataView" ? "new DataView(new Uint8Array([]).buffer)" : value.Text);
                break;
            case V8Kind.Other:
                AppendView(value.Text, value.Bytes.Span);
                break;
            default:
                AppendObject(value);
                break;
        }
    }

    private void AppendObject(V8Value value)
    {
        if (!_within.Add(value))
        {
            _text.Append("[Circular]");
            return;
        }

        switch (value.Kind)
        {
            case V8Kind.Object:
                AppendProperties(value.Properties);
                break;
            case V8Kind.Array:
                AppendArray(value);
                break;
            case V8Kind.Map:
                _text.Append("new Map([");
                for (int i = 0; i < value.Elements.Count && !IsFull; i += 2)
                {
                    _text.Append(i == 0 ? "[" : ", [");
                    Append(value.Elements[i]!);
                    _text.Append(", ");
                    Append(value.Elements[i + 1]!);
                    _text.Append(']');
                }

                _text.Append("])");
                break;
            default:
                _text.Append("new Set(");
                AppendItems(value.Elements);
                _text.Append(')');
                break;
        }

        _within.Remove(value);
    }

    private void AppendArray(V8Value array)
    {
        if (array.Members.Count > 0) _text.Append("Object.assign(");
        if (array.Length == array.Elements.Count) AppendItems(array.Elements);
        else _text.Append("new Array(").Append(array.Length).Append(')');
        if (array.Members.Count == 0) return;
        _text.Append(", ");
        AppendProperties(array.Properties);
        _text.Append(')');
    }

    private void AppendItems(List<V8Value?> items)
    {
        _text.Append('[');
        for (int i = 0; i < items.Count && !IsFull; i++)
        {
            if (i > 0) _text.Append(", ");
            if (items[i] is { } item) Append(item);
        }

        // One more comma, or a hole at the end would not count.
        if (items.Count > 0 && items[^1] is null) _text.Append(',');
        _text.Append(']');
    }

    private void AppendProperties(IReadOnlyList<KeyValuePair<string, V8Value>> properties)
    {
        _text.Append('{');
        for (int i = 0; i < properties.Count && !IsFull; i++)
        {
            if (i > 0) _text.Append(", ");
            AppendString(properties[i].Key);
            _text.Append(": ");
            Append(properties[i].Value);
        }

        _text.Append('}');
    }

    private void AppendString(string text) => _text.Append(Quoted(text.Length <= _mostChars ? text : text[.._mostChars]));

    private void AppendDate(double milliseconds)
    {
        const double Most = 253_402_300_799_999, Least = -62_135_596_800_000;
        _text.Append("new Date(");
        if (milliseconds is >= Least and <= Most) _text.Append('"').Append(DateTimeOffset.FromUnixTimeMilliseconds((long)milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append('"');
        else _text.Append(Of(milliseconds));
        _text.Append(')');
    }

    private void AppendView(string name, ReadOnlySpan<byte> bytes)
    {
        if (name is "ArrayBuffer" or "DataView")
        {
            if (name is "DataView") _text.Append("new DataView(");
            AppendNumbers("Uint8Array", bytes, 1, static b => b[0].ToString(CultureInfo.InvariantCulture));
            _text.Append(name is "DataView" ? ".buffer)" : ".buffer");
            return;
        }

        (int size, Func<byte[], string> show) = name switch
        {
            "Int8Array" => (1, b => ((sbyte)b[0]).ToString(CultureInfo.InvariantCulture)),
            "Int16Array" => (2, b => BinaryPrimitives.ReadInt16LittleEndian(b).ToString(CultureInfo.InvariantCulture)),
            "Uint16Array" => (2, b => BinaryPrimitives.ReadUInt16LittleEndian(b).ToString(CultureInfo.InvariantCulture)),
            "Int32Array" => (4, b => BinaryPrimitives.ReadInt32LittleEndian(b).ToString(CultureInfo.InvariantCulture)),
            "Uint32Array" => (4, b => BinaryPrimitives.ReadUInt32LittleEndian(b).ToString(CultureInfo.InvariantCulture)),
            "Float16Array" => (2, b => Of((double)BinaryPrimitives.ReadHalfLittleEndian(b))),
            "Float32Array" => (4, b => Of(BinaryPrimitives.ReadSingleLittleEndian(b))),
            "Float64Array" => (8, b => Of(BinaryPrimitives.ReadDoubleLittleEndian(b))),
            "BigInt64Array" => (8, b => $"{BinaryPrimitives.ReadInt64LittleEndian(b)}n"),
            "BigUint64Array" => (8, b => $"{BinaryPrimitives.ReadUInt64LittleEndian(b)}n"),
            _ => (1, (Func<byte[], string>)(b => b[0].ToString(CultureInfo.InvariantCulture))),
        };
        AppendNumbers(name, bytes, size, show);
    }

    private void AppendNumbers(string name, ReadOnlySpan<byte> bytes, int size, Func<byte[], string> show)
    {
        _text.Append("new ").Append(name).Append("([");
        for (int at = 0; at + size <= bytes.Length && !IsFull; at += size) _text.Append(at == 0 ? "" : ", ").Append(show(bytes.Slice(at, size).ToArray()));
        _text.Append("])");
    }
}
