import { Column, Entity, PrimaryColumn } from "@subsquid/typeorm-store";

@Entity()
export class Position {
  constructor(props?: Partial<Position>) {
    Object.assign(this, props);
  }

  @PrimaryColumn()
  id!: string;

  @Column("text")
  address!: string;

  @Column("text")
  pool!: string;

  @Column("int4")
  block!: number;
}
