import { writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Writes a zip file of stored texts. */
export function writeZip(path: string, contents: Readonly<Record<string, string>>): void {
  const pieces: Buffer[] = [];
  const list: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(contents)) {
    const [nameBytes, data] = [Buffer.from(name), Buffer.from(text)];
    const local = header(30, 0x04034b50, 8, 14, nameBytes, data);
    const central = header(46, 0x02014b50, 10, 16, nameBytes, data);
    central.writeUInt32LE(at, 42);
    list.push(central, nameBytes);
    pieces.push(local, nameBytes, data);
    at += local.length + nameBytes.length + data.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  for (const field of [8, 10]) end.writeUInt16LE(Object.keys(contents).length, field);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  writeFileSync(path, Buffer.concat([...pieces, directory, end]));
}

/** A local or central header: they differ in where the method and the checksum with the sizes and the name's length stand. */
function header(bytes: number, signature: number, methodAt: number, crcAt: number, name: Buffer, data: Buffer): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUInt32LE(signature, 0);
  buffer.writeUInt16LE(0, methodAt);
  buffer.writeUInt32LE(crc32(data), crcAt);
  buffer.writeUInt32LE(data.length, crcAt + 4);
  buffer.writeUInt32LE(data.length, crcAt + 8);
  buffer.writeUInt16LE(name.length, crcAt + 12);
  return buffer;
}
