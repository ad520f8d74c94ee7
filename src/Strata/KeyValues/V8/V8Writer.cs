using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Strata;

/// <summary>Writes one value, as V8 would; see <see cref="V8Value"/>.</summary>
internal sealed class V8Writer(IBufferWriter<byte> output)
{
    private readonly Dictionary<V8Value, uint> _objects = new(ReferenceEqualityComparer.Instance);
    private uint _ids;
    private long _written;
    private int _depth;

    public void WriteWhole(V8Value value)
    {
        Write(V8Tag.Version);
        WriteVarint(V8Tag.WrittenVersion);
        WriteValue(value);
    }

    private void WriteValue(V8Value value)
    {
        if (++_depth > V8Value.MaxDepth) throw new ArgumentException($"Values lie deeper than {V8Value.MaxDepth}.", nameof(value));
        switch (value.Kind)
        {
            case V8Kind.Undefined:
                Write(V8Tag.Undefined);
                break;
            case V8Kind.Null:
                Write(V8Tag.Null);
                break;
            case V8Kind.Boolean:
                Write(value.Number != 0 ? V8Tag.True : V8Tag.False);
                break;
            case V8Kind.Number:
                WriteNumber(value.Number);
                break;
            case V8Kind.Integer:
                WriteInteger(value.Integer);
                break;
            case V8Kind.String:
                WriteString(value.Text);
                break;
            default:
                WriteObject(value);
                break;
        }

        _depth--;
    }

    private void WriteObject(V8Value value)
    {
        if (_objects.TryGetValue(value, out uint id))
        {
            Write(V8Tag.Reference);
            WriteVarint(id);
            return;
        }

        // The buffer under the bytes is an object of its own, and comes first.
        if (value.Kind == V8Kind.Bytes) _ids++;
        _objects.Add(value, _ids++);
        switch (value.Kind)
        {
            case V8Kind.Date:
                Write(V8Tag.Date);
                WriteDouble(value.Number);
                break;
            case V8Kind.Bytes:
                WriteBytes(value.Bytes.Span);
                break;
            case V8Kind.Object:
                Write(V8Tag.BeginObject);
                WriteProperties(value.Members);
                Write(V8Tag.EndObject);
                WriteVarint((uint)value.Members.Count);
                break;
            case V8Kind.Array:
                WriteArray(value);
                break;
            case V8Kind.Map or V8Kind.Set:
                Write(value.Kind == V8Kind.Map ? V8Tag.BeginMap : V8Tag.BeginSet);
                foreach (V8Value? item in value.Elements) WriteValue(item!);
                Write(value.Kind == V8Kind.Map ? V8Tag.EndMap : V8Tag.EndSet);
                WriteVarint((uint)value.Elements.Count);
                break;
            default:
                throw new ArgumentException($"{value.Text} can be read, not written.", nameof(value));
        }
    }

    private void WriteArray(V8Value array)
    {
        bool isDense = array.Length == array.Elements.Count && !array.Elements.Contains(null);
        Write(isDense ? V8Tag.BeginDenseArray : V8Tag.BeginSparseArray);
        WriteVarint((uint)array.Length);
        int elements = 0;
        for (int i = 0; i < array.Elements.Count; i++)
        {
            if (array.Elements[i] is not { } item) continue;
            if (!isDense)
            {
                WriteNumber(i);
                elements++;
            }

            WriteValue(item);
        }

        WriteProperties(array.Members);
        Write(isDense ? V8Tag.EndDenseArray : V8Tag.EndSparseArray);
        WriteVarint((uint)(elements + array.Members.Count));
        WriteVarint((uint)array.Length);
    }

    private void WriteProperties(List<KeyValuePair<string, V8Value>> properties)
    {
        foreach ((string name, V8Value value) in properties)
        {
            // To JavaScript a name that is an index is a number.
            if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out uint index) && index != uint.MaxValue && index.ToString(CultureInfo.InvariantCulture) == name) WriteNumber(index);
            else WriteString(name);
            WriteValue(value);
        }
    }

    private void WriteNumber(double number)
    {
        int integer = (int)number;
        if (integer == number && !(number == 0 && double.IsNegative(number)))
        {
            Write(V8Tag.Int32);
            WriteVarint((uint)((integer << 1) ^ (integer >> 31)));
            return;
        }

        Write(V8Tag.Double);
        WriteDouble(number);
    }

    private void WriteInteger(BigInteger integer)
    {
        int length = integer.IsZero ? 0 : (BigInteger.Abs(integer).GetByteCount(isUnsigned: true) + 7) / 8 * 8;
        if (length > V8Value.MaxIntegerBytes) throw new ArgumentException($"An integer has at most {V8Value.MaxIntegerBytes} bytes, not {length}.", nameof(integer));
        Write(V8Tag.BigInt);
        WriteVarint((uint)(length << 1) | (integer.Sign < 0 ? 1u : 0));
        if (length == 0) return;
        Span<byte> magnitude = output.GetSpan(length)[..length];
        magnitude.Clear();
        BigInteger.Abs(integer).TryWriteBytes(magnitude, out _, isUnsigned: true);
        Advance(length);
    }

    private void WriteString(string text)
    {
        bool isOneByte = !text.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF');
        int length = isOneByte ? text.Length : 2 * text.Length;

        // V8 reads two-byte strings in place, and wants them aligned.
        if (!isOneByte && ((_written + 1 + VarintLength((uint)length)) & 1) != 0) Write(V8Tag.Padding);
        Write(isOneByte ? V8Tag.OneByteString : V8Tag.TwoByteString);
        WriteVarint((uint)length);
        if (length == 0) return;
        Span<byte> bytes = output.GetSpan(length)[..length];
        for (int i = 0; i < text.Length; i++)
        {
            if (isOneByte) bytes[i] = (byte)text[i];
            else BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * i)..], text[i]);
        }

        Advance(length);
    }

    private void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        Write(V8Tag.ArrayBuffer);
        WriteVarint((uint)bytes.Length);
        output.Write(bytes);
        _written += bytes.Length;
        Write(V8Tag.View);
        Write(V8Tag.Uint8View);
        WriteVarint(0);
        WriteVarint((uint)bytes.Length);
        WriteVarint(0);
    }

    private void WriteDouble(double number)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(output.GetSpan(sizeof(double)), double.IsNaN(number) ? BitConverter.UInt64BitsToDouble(0x7FF8_0000_0000_0000) : number);
        Advance(sizeof(double));
    }

    private void WriteVarint(uint value)
    {
        for (; value > 0x7F; value >>= 7) Write((byte)(value | 0x80));
        Write((byte)value);
    }

    private static int VarintLength(uint value) => value < 1u << 7 ? 1 : value < 1u << 14 ? 2 : value < 1u << 21 ? 3 : value < 1u << 28 ? 4 : 5;

    private void Write(byte value)
    {
        output.GetSpan(1)[0] = value;
        Advance(1);
    }

    private void Advance(int count)
    {
        output.Advance(count);
        _written += count;
    }
}
