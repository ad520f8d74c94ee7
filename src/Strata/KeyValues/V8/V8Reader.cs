using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Strata;

/// <summary>Reads one value; see <see cref="V8Value"/>.</summary>
internal sealed class V8Reader(ReadOnlyMemory<byte> bytes)
{
    /// <summary>Holes that are kept as elements, beyond what the bytes pay for.</summary>
    private const int MaxFreeHoles = 1_000;

    private const uint OldestVersion = 13, NewestVersion = 16;

    private readonly List<V8Value> _objects = [];
    private int _at, _depth, _count;
    private uint _version;

    public V8Value ReadWhole()
    {
        if (ReadByte() != V8Tag.Version) throw Bad("the bytes do not begin with a version");
        _version = ReadVarint();
        if (_version is < OldestVersion or > NewestVersion) throw Bad($"version {_version} is not one of {OldestVersion} to {NewestVersion}");
        V8Value value = ReadValue();
        while (_at < bytes.Length && bytes.Span[_at] == V8Tag.Padding) _at++;
        return _at == bytes.Length ? value : throw Bad("something follows the value");
    }

    private V8Value ReadValue() => ReadValueOrHole() ?? throw Bad("there is a hole outside of an array");

    private V8Value? ReadValueOrHole()
    {
        if (++_depth > V8Value.MaxDepth) throw Bad($"values lie deeper than {V8Value.MaxDepth}");
        if (++_count > V8Value.MaxValues) throw Bad($"there are more than {V8Value.MaxValues} values");
        byte tag = ReadTag();
        V8Value? value = tag == V8Tag.Hole ? null : ReadPrimitive(tag) ?? ReadObject(tag);
        _depth--;
        return value;
    }

    private V8Value? ReadPrimitive(byte tag) => tag switch
    {
        V8Tag.Undefined => V8Value.Undefined,
        V8Tag.Null => V8Value.Null,
        V8Tag.True => V8Value.Of(true),
        V8Tag.False => V8Value.Of(false),
        V8Tag.Int32 => V8Value.Of((double)ReadZigZag()),
        V8Tag.Uint32 => V8Value.Of((double)ReadVarint()),
        V8Tag.Double => V8Value.Of(ReadDouble()),
        V8Tag.BigInt => V8Value.Of(ReadInteger()),
        V8Tag.Utf8String or V8Tag.OneByteString or V8Tag.TwoByteString => V8Value.Of(ReadString(tag)),
        _ => null,
    };

    private V8Value ReadObject(byte tag)
    {
        switch (tag)
        {
            case V8Tag.Reference:
                uint id = ReadVarint();
                return id < _objects.Count ? _objects[(int)id] : throw Bad($"there is no value {id} to refer to");
            case V8Tag.BeginObject:
                return ReadProperties(Begun(new V8Value(V8Kind.Object)), V8Tag.EndObject);
            case V8Tag.BeginDenseArray:
                return ReadDenseArray();
            case V8Tag.BeginSparseArray:
                return ReadSparseArray();
            case V8Tag.BeginMap:
                return ReadItems(Begun(new V8Value(V8Kind.Map)), V8Tag.EndMap);
            case V8Tag.BeginSet:
                return ReadItems(Begun(new V8Value(V8Kind.Set)), V8Tag.EndSet);
            case V8Tag.Date:
                return Begun(new V8Value(V8Kind.Date) { Number = ReadDouble() });
            case V8Tag.ArrayBuffer or V8Tag.ResizableArrayBuffer:
                return ReadBuffer(tag == V8Tag.ResizableArrayBuffer);
            case V8Tag.TrueObject or V8Tag.FalseObject or V8Tag.NumberObject or V8Tag.BigIntObject or V8Tag.StringObject:
                return ReadBoxed(tag);
            case V8Tag.RegExp:
                return ReadRegExp();
            case V8Tag.Error:
                return ReadError();
            default:
                throw Bad($"the tag 0x{tag:x2} is unknown");
        }
    }

    private V8Value Begun(V8Value value)
    {
        _objects.Add(value);
        return value;
    }

    private V8Value ReadProperties(V8Value target, byte end)
    {
        uint count = 0;
        while (PeekTag() != end)
        {
            V8Value key = ReadValue();
            string name = key.Kind switch
            {
                V8Kind.String => key.Text,
                V8Kind.Number => V8Display.Of(key.Number),
                _ => throw Bad($"the name of a property is of kind {key.Kind}"),
            };
            V8Value value = ReadValue();
            if (!TryPlace(target, name, value)) target.Members.Add(new(name, value));
            count++;
        }

        ReadTag();
        return ReadVarint() == count ? target : throw Bad("the number of properties does not match");
    }

    /// <summary>Elements of a sparse array come as properties.</summary>
    private static bool TryPlace(V8Value target, string name, V8Value value)
    {
        if (target.Kind != V8Kind.Array || !int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) || index >= target.Elements.Count) return false;
        target.Elements[index] = value;
        return true;
    }

    private V8Value ReadDenseArray()
    {
        uint length = ReadVarint();
        if (length > bytes.Length - _at) throw Bad($"an array of {length} elements is longer than the bytes");
        V8Value array = Begun(new V8Value(V8Kind.Array) { Length = length });
        for (uint i = 0; i < length; i++) array.Elements.Add(ReadValueOrHole());
        return ReadArrayEnd(array, V8Tag.EndDenseArray);
    }

    private V8Value ReadSparseArray()
    {
        uint length = ReadVarint();
        V8Value array = Begun(new V8Value(V8Kind.Array) { Length = length });
        for (uint i = 0; i < length && length <= MaxFreeHoles; i++) array.Elements.Add(null);
        _count += array.Elements.Count;
        return ReadArrayEnd(array, V8Tag.EndSparseArray);
    }

    private V8Value ReadArrayEnd(V8Value array, byte end)
    {
        ReadProperties(array, end);
        return ReadVarint() == array.Length ? array : throw Bad("the length of an array does not match");
    }

    private V8Value ReadItems(V8Value target, byte end)
    {
        while (PeekTag() != end) target.Elements.Add(ReadValue());
        ReadTag();
        if (target.Kind == V8Kind.Map && target.Elements.Count % 2 != 0) throw Bad("a map ends after a key");
        return ReadVarint() == target.Elements.Count ? target : throw Bad("the number of items does not match");
    }

    /// <summary>A buffer, and the view of it that follows in most cases.</summary>
    private V8Value ReadBuffer(bool isResizable)
    {
        uint length = ReadVarint();
        if (isResizable) ReadVarint();
        ReadOnlyMemory<byte> content = Take(length);
        V8Value buffer = Begun(new V8Value(V8Kind.Other) { Text = "ArrayBuffer", Bytes = content });
        if (_at == bytes.Length || PeekTag() != V8Tag.View) return buffer;
        ReadTag();
        byte type = ReadByte();
        uint offset = ReadVarint(), count = ReadVarint();
        if (_version >= V8Tag.VersionWithFlags) ReadVarint();
        if (offset > content.Length || count > content.Length - offset) throw Bad("a view lies outside of its buffer");
        ReadOnlyMemory<byte> seen = content.Slice((int)offset, (int)count);
        return Begun(type == V8Tag.Uint8View ? V8Value.Of(seen) : new V8Value(V8Kind.Other) { Text = NameOfView(type), Bytes = seen });
    }

    private string NameOfView(byte type) => (char)type switch
    {
        'b' => "Int8Array",
        'C' => "Uint8ClampedArray",
        'w' => "Int16Array",
        'W' => "Uint16Array",
        'd' => "Int32Array",
        'D' => "Uint32Array",
        'h' => "Float16Array",
        'f' => "Float32Array",
        'F' => "Float64Array",
        'q' => "BigInt64Array",
        'Q' => "BigUint64Array",
        '?' => "DataView",
        _ => throw Bad($"the view 0x{type:x2} is unknown"),
    };

    private V8Value ReadBoxed(byte tag) => Begun(new V8Value(V8Kind.Other)
    {
        Text = $"Object({V8Display.Of(tag switch
        {
            V8Tag.TrueObject => V8Value.Of(true),
            V8Tag.FalseObject => V8Value.Of(false),
            V8Tag.NumberObject => V8Value.Of(ReadDouble()),
            V8Tag.BigIntObject => V8Value.Of(ReadInteger()),
            _ => V8Value.Of(ReadString(ReadTag())),
        })})",
    });

    private V8Value ReadRegExp()
    {
        string pattern = ReadString(ReadTag());
        uint flags = ReadVarint();
        const string Letters = "gimyus\0dv";
        string set = string.Concat(Letters.Where((c, i) => c != 0 && (flags & (1u << i)) != 0));
        return Begun(new V8Value(V8Kind.Other) { Text = $"/{V8Display.Escaped(pattern)}/{set}" });
    }

    private V8Value ReadError()
    {
        string name = "Error", message = "";
        int id = _objects.Count;
        Begun(V8Value.Undefined);
        while (true)
        {
            switch ((char)ReadByte())
            {
                case 'E': name = "EvalError"; break;
                case 'R': name = "RangeError"; break;
                case 'F': name = "ReferenceError"; break;
                case 'S': name = "SyntaxError"; break;
                case 'T': name = "TypeError"; break;
                case 'U': name = "URIError"; break;
                case 'm': message = ReadString(ReadTag()); break;
                case 'c': ReadValue(); break;
                case 's': ReadString(ReadTag()); break;
                case '.': return _objects[id] = new V8Value(V8Kind.Other) { Text = $"new {name}({V8Display.Of(V8Value.Of(message))})" };
                default: throw Bad("a part of an error is unknown");
            }
        }
    }

    private string ReadString(byte tag)
    {
        ReadOnlySpan<byte> text = Take(ReadVarint()).Span;
        switch (tag)
        {
            case V8Tag.OneByteString:
                return Encoding.Latin1.GetString(text);
            case V8Tag.Utf8String:
                return Encoding.UTF8.GetString(text);
            case V8Tag.TwoByteString when text.Length % 2 == 0:
                // Not Encoding.Unicode, which replaces lone surrogates.
                return string.Create(text.Length / 2, text, static (chars, from) =>
                {
                    for (int i = 0; i < chars.Length; i++) chars[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(from[(2 * i)..]);
                });
            default:
                throw Bad("a string is expected");
        }
    }

    private BigInteger ReadInteger()
    {
        uint field = ReadVarint(), length = field >> 1;
        if (length > V8Value.MaxIntegerBytes) throw Bad($"an integer has more than {V8Value.MaxIntegerBytes} bytes");
        var magnitude = new BigInteger(Take(length).Span, isUnsigned: true);
        return (field & 1) != 0 ? -magnitude : magnitude;
    }

    private double ReadDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)).Span);

    private int ReadZigZag()
    {
        uint value = ReadVarint();
        return (int)(value >> 1) ^ -(int)(value & 1);
    }

    private uint ReadVarint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            byte next = ReadByte();
            value |= (ulong)(next & 0x7F) << shift;
            if ((next & 0x80) == 0) return value <= uint.MaxValue ? (uint)value : throw Bad("a number has more than 32 bits");
        }

        throw Bad("a number has more than 32 bits");
    }

    private byte PeekTag()
    {
        int before = _at;
        byte tag = ReadTag();
        if (tag != V8Tag.VerifyCount) _at = before;
        return tag;
    }

    private byte ReadTag()
    {
        byte tag = ReadByte();
        while (tag == V8Tag.Padding) tag = ReadByte();
        if (tag != V8Tag.VerifyCount) return tag;
        ReadVarint();
        return ReadTag();
    }

    private byte ReadByte() => _at < bytes.Length ? bytes.Span[_at++] : throw Bad("the bytes end too early");

    private ReadOnlyMemory<byte> Take(uint length)
    {
        if (length > bytes.Length - _at) throw Bad("the bytes end too early");
        ReadOnlyMemory<byte> taken = bytes.Slice(_at, (int)length);
        _at += (int)length;
        return taken;
    }

    private FormatException Bad(string what) => new($"No value of V8: {what}, at byte {_at}.");
}
